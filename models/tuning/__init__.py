"""Which form, threads and batch sizes are fastest on this machine, measured and remembered.

When it may run is the daemon's decision.
"""
