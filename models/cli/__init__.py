"""`foretype models` and `foretype tune`: the words on the terminal.

Decisions are made in the rooms they are about.
"""
