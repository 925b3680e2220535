"""Lines that were written once, typed again: what suggestions are worth there, and which variant is better.

Not: generating, trimming or judging a suggestion (the real language server and daemon answer), the command
line, and what the lines are taken from where that is a corpus (`tests/live`).
"""
