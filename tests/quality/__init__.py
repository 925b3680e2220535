"""`make quality`: what each stage between the model and the screen is worth, on holes cut from real code."""
