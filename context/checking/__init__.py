"""What may be shown of a model's answer: cut to what belongs there, names looked up, parsed.

Nothing here asks a model or touches the screen.
"""
