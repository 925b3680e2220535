"""The language server itself: messages in, answers out, over stdio or TCP.

One thin method for each message.
"""
