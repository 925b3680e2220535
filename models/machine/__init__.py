"""What this machine has to give: cores and memory.

Nothing here knows of models.
"""
