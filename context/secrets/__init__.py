"""What looks like a secret: paths, lines, values, tokens.

What becomes of a file with secrets is `context/workspace/ignore`'s decision.
"""
