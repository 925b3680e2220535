"""From cells to text: sampling, stop rules, cancellation between tokens.

Nothing here knows of editors or files.
"""
