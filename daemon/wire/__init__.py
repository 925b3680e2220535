"""The messages between language server and daemon, and how they become bytes.

No sockets.
"""
