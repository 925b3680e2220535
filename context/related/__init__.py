"""Code elsewhere that helps here: who proposes it, how it is ranked.

Nothing here reads files; the index and open documents bring the text.
"""
