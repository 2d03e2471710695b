"""The failures a user can meet, told in one line each: what, which file or setting, what to do."""

from __future__ import annotations


class PipelineError(Exception):
    """A run cannot go on; `str()` of it is the one line that the user reads. Exit code 1."""


class VideoError(PipelineError):
    """A video cannot be read or written."""


class StoreError(PipelineError):
    """What a stage keeps on disk cannot be read or written."""
