"""JSON-RPC on stdin and stdout, and progress as editors show it.

Nothing here knows of completions.
"""
