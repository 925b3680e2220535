"""The edits of a session, and what is proposed to be edited next: from an editor's changes to its next edits.

Not: finding what edits have in common; `context/edits` does. Not: how an edit is drawn.
"""
