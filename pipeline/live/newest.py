"""The newest frame and no other: a thread reads the source at its pace, and whoever is slower misses frames."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.live.source import Source


@dataclass(frozen=True)
class Shot:
    """A frame of a running source.

    Attributes:
        index: which frame of the source it is, from 0; missed ones count.
        seconds: since the source's first frame, on the source's clock.
        arrived: when it could first be had, by `time.monotonic`.
        picture: (H, W, 3) uint8 RGB.
    """

    index: int
    seconds: float
    arrived: float
    picture: NDArray[np.uint8]


class Newest:
    """Reads a source in a thread; iterate over it for the newest frame each time, waiting where there is none yet.

    The iteration ends with the source, after `seconds` of it, or when `stop` is called.

    Args:
        source: what to read; it is closed at the end.
        seconds: of the source's clock; None is until it ends.

    Attributes:
        dropped: frames that came and were never taken.

    Raises:
        PipelineError: while iterating: what reading the source raised.
    """

    def __init__(self, source: Source, seconds: float | None = None) -> None:
        self._source, self._seconds = source, seconds
        self._changed = threading.Condition()  # its lock may be taken again by `stop` from a signal's handler
        self._waiting: Shot | None = None
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self.dropped = 0
        self._thread = threading.Thread(target=self._read, name="source", daemon=True)

    def __iter__(self) -> Iterator[Shot]:
        self._thread.start()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._ended.is_set())
                shot, self._waiting = self._waiting, None
            if shot is None:
                break
            yield shot
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the iteration after the frame that is being worked on; may be called from anywhere."""
        with self._changed:
            self.dropped += self._waiting is not None
            self._waiting = None
            self._ended.set()
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until the source has been left after `stop`; so long at most, for a network may be waited for there."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _read(self) -> None:
        index = -1
        try:
            for index, (seconds, arrived, picture) in enumerate(self._source.frames(self._ended)):
                if self._ended.is_set() or (self._seconds is not None and seconds >= self._seconds):
                    break
                with self._changed:
                    self.dropped += self._waiting is not None
                    self._waiting = Shot(index, seconds, arrived, picture)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised again where the frames are taken
            self._failure = error
        finally:
            with self._changed:
                self._ended.set()
                self._changed.notify_all()
