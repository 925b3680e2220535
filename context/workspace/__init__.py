"""What the workspace's files define and mention, which of them may be read, and how changes are noticed.

Nothing here ranks anything or talks to an editor.
"""
