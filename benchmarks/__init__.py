"""Comparisons with the tools that a user would otherwise choose: `python -m benchmarks` runs all of them."""
