"""Angles of joints, steps and cadence of a run: monocular estimates, in the words of sports and clinics."""
