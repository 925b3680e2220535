"""What of the KV cache is used again, what a step costs, and what outlives the process.

Nothing here generates.
"""
