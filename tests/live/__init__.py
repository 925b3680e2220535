"""`make live`: what people get while they type, replayed in real time. Measures, and asserts nothing."""
