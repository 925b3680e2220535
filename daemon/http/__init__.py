"""Answers to what plugins ask llama-server over HTTP, from the daemon's model.

Not: a model, a web page, or anything that isn't on this machine.
"""
