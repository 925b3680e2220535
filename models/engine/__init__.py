"""One loaded model that answers prompts: sessions, cache, drafts and decoding put together.

Which model, and when it is loaded or left, is the daemon's decision.
"""
