"""Motion in the formats of other programs: `python -m pipeline export`. What each holds: README.md beside this file."""
