"""Benchmarks: they print and store figures, and assert nothing. `make bench` runs them."""
