"""`foretype` itself, `daemon`, `doctor` and `bench`: the words on the terminal.

Decisions are made in the rooms they are about.
"""
