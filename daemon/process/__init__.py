"""The daemon's folder, lock and start: how there is one of it and no trace is left.

Nothing here listens or computes.
"""
