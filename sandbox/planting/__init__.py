"""Faults planted into what a night reads and makes, and what stops them: see `kinds.csv`."""
