"""`make edits`: later edits of real commits, offered after the earlier ones. Measures, and asserts
nothing."""
