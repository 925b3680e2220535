"""`foretype lsp`, `complete`, `context`, `stats` and `top`: the words on the terminal.

Decisions are made in the rooms they are about.
"""
