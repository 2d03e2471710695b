"""Data sets: their own files read, and the one form that training and evaluation take."""
