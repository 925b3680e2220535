"""Models on disk: the catalogue, downloads, what a file is good for, removal.

Nothing here loads a model.
"""
