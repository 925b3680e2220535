"""From a prompt to the tokens of a model's own fill-in-the-middle format, and where it may be cut.

Nothing here evaluates.
"""
