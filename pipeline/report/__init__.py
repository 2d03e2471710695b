"""How far a run can be relied on, without knowing the truth: a page, numbers, and a line at the end of `run`."""
