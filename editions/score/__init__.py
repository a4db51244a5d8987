"""Scoring any table of values by any rule set, with the models of the night."""
