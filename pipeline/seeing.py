"""A film through a detector: everybody in every frame, kept in shards meanwhile."""

from __future__ import annotations

import platform
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StoreError, VideoError
from pipeline.flow import ahead
from pipeline.packed import Detections
from pipeline.progress import Console, Tick
from pipeline.settings import RunSettings
from pipeline.shards import Shards
from pipeline.video import VideoReader

if TYPE_CHECKING:
    from detectors.checked import Checked


def see(
    reader: VideoReader, detector: Checked, shards: Shards | None, settings: RunSettings, console: Console
) -> tuple[Detections, array[float]]:
    """Return the people of every frame, and the frames' times in seconds.

    Args:
        shards: where they are kept meanwhile, and taken up again after a kill; None keeps nothing.
    """
    people, known = Detections(len(detector.joints)), array("d")
    if shards is not None:
        people, known, memory = shards.resume(len(detector.joints), _beside(detector, settings))
        if memory is not None:
            detector.recall(memory)
            console.say(f"detect goes on behind frame {len(known)}, which an earlier run came to")
    timestamps = array("d")
    try:
        with console.stage("detect", reader.clip.frames_hint) as tick, ahead(reader.behind(len(known))) as frames:
            for found in detector(_unknown(frames, known, timestamps, tick, reader)):
                seen = timestamps[len(people)]
                if shards is not None:
                    shards.add(seen, found, detector.remember())
                people.add(found)
                tick()
    finally:
        if shards is not None:
            with suppress(StoreError):  # what has failed is told already
                shards.write()
            shards.close()
    return people, timestamps


def _unknown(
    frames: Iterator[tuple[float, NDArray[np.uint8] | None]], known: array[float], timestamps: array[float],
    tick: Tick, reader: VideoReader,
) -> Iterator[NDArray[np.uint8]]:  # fmt: skip
    """Yield the frames behind those that are known; note the times of all.

    Raises:
        VideoError: the known ones are not of this film.
    """
    for seconds, frame in frames:
        timestamps.append(seconds)
        if frame is not None:
            yield frame
        elif seconds == known[len(timestamps) - 1]:
            tick()
        else:
            break
    if len(timestamps) < len(known) or timestamps[: len(known)] != known:
        raise VideoError(f"{reader.clip.path}: other frames than an earlier run saw; --from detect begins anew")


def _beside(detector: Checked, settings: RunSettings) -> str:
    """Return what decides detections beside a stage's fingerprint: the last bits differ by machine and by runtime."""
    from pipeline.doctor import versions

    return repr((settings.device, detector.runs_on, platform.machine(), sorted(versions().items())))
