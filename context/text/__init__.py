"""Lines, brackets, indentation: text as a programmer sees it before any tree is made.

Nothing here parses.
"""
