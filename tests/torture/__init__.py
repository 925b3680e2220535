"""`make torture`: a million messages, a thousand kills, eight hours; nothing lost, nothing leaks.

Each section tries to break one promise for as long as it is given, in rounds that a seed decides, and counts.
Small rounds of each run as tests.
"""
