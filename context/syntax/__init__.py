"""Trees of half-typed code, and what is read off them around a cursor.

Nothing here decides what is shown to the model or to the user.
"""
