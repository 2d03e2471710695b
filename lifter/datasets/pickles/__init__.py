"""Pickles of arrays, read without running what they name."""
