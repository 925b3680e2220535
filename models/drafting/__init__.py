"""Speculative decoding: who proposes tokens, how many are worth a batch.

Nothing here verifies or decides what is shown.
"""
