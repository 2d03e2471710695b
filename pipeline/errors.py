"""The failures a user can meet, told in one line each: what, which file or setting, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class PipelineError(Exception):
    """A run cannot go on; `str()` of it is the one line that the user reads. Exit code 1."""


class VideoError(PipelineError):
    """A video cannot be read or written."""


class StoreError(PipelineError):
    """What a stage keeps on disk cannot be read or written."""


@contextmanager
def one_kind() -> Iterator[None]:
    """Let whatever a user can meet leave the block as a `PipelineError` of one line, an island's failures too."""
    from detectors.base import DetectorError
    from lifter.errors import LifterError

    try:
        yield
    except (PipelineError, DetectorError, LifterError) as error:
        line = " ".join(str(error).split())
        if isinstance(error, PipelineError) and line == str(error):
            raise
        raise PipelineError(line) from error
    except OSError as error:  # what no stage foresaw: a disk that goes away, a name too long
        raise PipelineError(f"{error.filename or 'a file'}: {error.strerror or error}") from error
