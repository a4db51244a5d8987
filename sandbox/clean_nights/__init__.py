"""Nights in which nothing is wrong: facts come, are corrected and go as they do, and nothing of it may be held."""
