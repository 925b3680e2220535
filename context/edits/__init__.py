"""The next edit without a model: what the user just changed, generalised, and where else it holds.

Not: reading files, which documents are open, or how an edit is shown.
"""
