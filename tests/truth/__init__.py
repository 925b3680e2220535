"""`make truth`: the authors' own text as the model's answer, through all that follows the model."""
