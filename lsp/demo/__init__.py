"""`foretype demo`: a scripted editor and the client it speaks through.

Nothing of the language server is replaced: the real one answers.
"""
