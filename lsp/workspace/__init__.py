"""The editor's folders: their index, related code, what they forbid.

The decisions are `context`'s.
"""
