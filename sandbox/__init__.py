"""Agencies, banks and channels on loopback, with two populations to serve: for the demo and the tests."""
