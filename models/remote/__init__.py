"""An engine elsewhere: what may be asked, how servers are spoken to, what their answers are worth.

Whose turn it is, and which of two engines answers, is the daemon's decision.
"""
