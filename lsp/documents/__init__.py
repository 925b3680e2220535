"""Open documents and notebooks as the editor has them: text, positions, trees that grow in the background.

Nothing here reads the workspace.
"""
