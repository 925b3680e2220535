"""The daemon: connections, whose turn it is, the one thread that computes, the model's life.

What a model does with a prompt is `models/engine`'s business.
"""
