"""Scoring any table of values by any rule set, with the very models of the night."""
