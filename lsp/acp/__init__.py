"""The Agent Client Protocol's next edit suggestions on stdin and stdout, for editors that drive it.

Not: which edits are proposed; `edits` decides that. Not: chats, which foretype has none of.
"""
