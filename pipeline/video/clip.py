"""What a film is, found without decoding it: size, rate, rotation, sound, as a `Clip`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from pipeline.cut import Cut
from pipeline.errors import VideoError
from pipeline.video.decode import decode_frames, film_stream, open_film, orientation_of, stamper_of

FALLBACK_RATE = Fraction(25)
FASTEST_RATE = 240  # above it a container rather tells its clock than its frame rate
MEASURED_PACKETS = 200


@dataclass(frozen=True)
class Clip:
    """A film that opens and of which a frame can be decoded.

    Attributes:
        path: the file.
        size: (W, H) pixels as the reader gives them: upright, square pixels.
        fps: frames per second, exact (30000/1001); the average of a film of variable rate.
        time_base: seconds per tick; every time stamp of the film is a whole number of these.
        start_s: time of the first frame on the container's own clock, in seconds; sound is placed by it.
        pixel_aspect: width of a stored pixel over its height.
        rotation: clockwise turn that makes the stored picture upright: 0, 90, 180 or 270 degrees.
        frames_hint: number of frames the container claims, for progress bars only.
        has_audio: there is a sound track.
        duration_s: length the container claims, in seconds.
        cut: which of its frames are read; `fps` and `frames_hint` are those of the cut.
    """

    path: Path
    size: tuple[int, int]
    fps: Fraction
    time_base: Fraction
    start_s: Fraction
    pixel_aspect: Fraction
    rotation: int
    frames_hint: int | None
    has_audio: bool
    duration_s: float | None
    cut: Cut = field(default_factory=Cut)

    def cut_to(self, cut: Cut) -> Clip:
        """Return the same film with other frames to read."""
        rate, hint = self.fps * self.cut.every, None
        if self.duration_s is not None:
            shown_s = min(cut.end_s, self.duration_s) - cut.start_s
            hint = max(1, math.ceil(shown_s * float(rate) / cut.every))
        elif self.cut == cut:
            hint = self.frames_hint
        return self if self.cut == cut else replace(self, cut=cut, fps=rate / cut.every, frames_hint=hint)


def probe(path: Path | str) -> Clip:
    """Look at a film: its headers and its first frame.

    Raises:
        VideoError: one line that says why the file cannot be read as a video.
    """
    path = Path(path)
    with open_film(path) as container:
        stream = film_stream(container, path, threads=1)
        frame = next(decode_frames(container, stream, damage=lambda _: None), None)
        if frame is None:
            raise VideoError(f"{path}: no frame of it can be decoded; record or convert it again")
        how = orientation_of(frame)
        aspect = _pixel_aspect(stream)
        width, height = square_size(frame.width, frame.height, aspect)
        time_base = stream.time_base or Fraction(1, 90_000)
        start_s = (stamper_of(container)(frame) or 0) * time_base
        duration_s = _duration(container, stream, time_base)
        claimed = next((rate for rate in (stream.average_rate, stream.guessed_rate) if rate), None)
        has_audio = any(track.codec_context is not None for track in container.streams.audio)
        frames_hint = stream.frames
    fps = claimed if claimed and claimed <= FASTEST_RATE else _measured_rate(path) or claimed or FALLBACK_RATE
    return Clip(
        path=path,
        size=(height, width) if how.transpose else (width, height),
        fps=fps,
        time_base=time_base,
        start_s=start_s,
        pixel_aspect=aspect,
        rotation=how.rotation,
        frames_hint=frames_hint or (round(duration_s * fps) if duration_s else None),
        has_audio=has_audio,
        duration_s=duration_s,
    )


def square_size(width: int, height: int, pixel_aspect: Fraction) -> tuple[int, int]:
    """Return the size of a stored picture once its pixels are square; the height stays."""
    return max(1, round(width * pixel_aspect)), height


def _pixel_aspect(stream: VideoStream) -> Fraction:
    """Read the shape of the stored pixels; a shape no camera has is taken for a mistake."""
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and Fraction(1, 4) <= aspect <= 4 else Fraction(1)


def _duration(container: InputContainer, stream: VideoStream, time_base: Fraction) -> float | None:
    if stream.duration:
        return float(stream.duration * time_base)
    return container.duration / av.time_base if container.duration else None


def _measured_rate(path: Path) -> Fraction | None:
    """Return the mean rate of the first packets, or None where fewer than two are stamped."""
    with open_film(path) as container:
        stream = film_stream(container, path, threads=1)
        try:
            stamps = sorted({p.pts for p in islice(container.demux(stream), MEASURED_PACKETS) if p.pts is not None})
        except av.FFmpegError:
            return None
        time_base = stream.time_base
    if len(stamps) < 2 or not time_base:
        return None
    return ((len(stamps) - 1) / ((stamps[-1] - stamps[0]) * time_base)).limit_denominator(1001)
