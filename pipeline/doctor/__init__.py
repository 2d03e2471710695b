"""`doctor` and `detectors`: what this installation has, what it lacks, and the remedy for each lack."""

from __future__ import annotations

from pipeline.doctor.versions import versions as versions
