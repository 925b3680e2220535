"""From a request to inline completions, and what is done ahead of the next one.

What a model answers is the daemon's business, what may be shown `context/checking`'s.
"""
