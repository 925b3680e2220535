"""What the model is shown around the cursor, and where its answer ends.

How a model's own format spells it is `models/prompts`' business.
"""
