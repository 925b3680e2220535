"""The user's settings: what there is, what they default to, how a file with mistakes is honoured.

Where the file lies is `context/shared/paths`' business.
"""
