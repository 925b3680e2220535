"""What this machine has to give: cores, memory, and the files that a killed process left behind.

Nothing here knows of models.
"""
