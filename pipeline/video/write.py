"""Frames into a film that any browser plays, each with its own time stamp: `VideoWriter`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.parts import part_of
from pipeline.video.audio import MP4_SOUND, Sound, SoundTrack
from pipeline.video.clip import probe
from pipeline.video.decode import reason
from pipeline.video.encoders import ENCODERS, X264, choose
from pipeline.video.times import tick_of

Frame = NDArray[np.uint8]
FINEST_CLOCK = 1_000_000  # ticks a second; MP4 stores the length of a frame in 32 bits
DEFAULT_CLOCK = Fraction(1, 90_000)
KEY_FRAME_EVERY_S = 2.0  # a player can jump to a key frame only


class VideoWriter:
    """Context manager that writes an MP4: H.264 High, yuv420p, BT.709 in limited range, index at the front.

    The film appears under its name when the block ends well; until then, and after any exception, there is none.

    Args:
        path: the film to write; its folder exists.
        size: (W, H) pixels, both even.
        timestamps: (T,) seconds since the first frame, of every frame to come, as the reader gave them; without
            them the rate is constant.
        fps: nominal rate; the length of the last frame, and of every frame where there are no `timestamps`.
        time_base: seconds per tick. With the source's own (`Clip.time_base`) its time stamps are kept exactly.
            Default: one frame at constant rate, otherwise 1/90000.
        audio_from: film whose sound is carried over, so that the beginning of the span is this film's first frame.
        audio_span_s: from when to when of it, in seconds since that film's first frame; all of it by default.
        crf: x264's quality, 0 to 51, lower is better.
        preset: x264's speed, ultrafast to veryslow.
        codec: who encodes: "x264", "auto" or one of `pipeline.video.encoders.ENCODERS`.
        threads: encoding threads; 0 leaves the number to x264.
        key_frame_every_s: seconds between key frames, to which alone a player can jump at once.

    Attributes:
        warnings: lines about sound that could not be carried over.

    Raises:
        ValueError: odd sizes; time stamps that do not begin at 0, run backwards or are not finite; a frame of
            another size; no frame; more or fewer frames than time stamps.
        VideoError: the film cannot be written (folder, disk), or `audio_from` cannot be read.
    """

    container: ClassVar[str] = "mp4"
    muxing: ClassVar[dict[str, str]] = {"movflags": "+faststart"}
    sound: ClassVar[Sound] = MP4_SOUND

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        timestamps: Sequence[float] | NDArray[np.float64] | None = None,
        *,
        fps: Fraction | int = 25,
        time_base: Fraction | None = None,
        audio_from: Path | str | None = None,
        audio_span_s: tuple[float, float] = (0.0, math.inf),
        crf: int = 20,
        preset: str = "veryfast",
        codec: str = X264,
        threads: int = 0,
        key_frame_every_s: float = KEY_FRAME_EVERY_S,
    ) -> None:
        width, height = size
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"size: a film needs even sides of at least 2 pixels, got {width}x{height}")
        self.path, self.size, self.fps = Path(path), (width, height), Fraction(fps)
        if self.fps <= 0:
            raise ValueError(f"fps: must be positive, got {fps}")
        self._clock = _clock(self.fps, time_base, constant=timestamps is None)
        self._ticks = None if timestamps is None else _ticks(np.asarray(timestamps, np.float64), self._clock)
        self._source = None if audio_from is None else Path(audio_from)
        self._span_s = audio_span_s
        # B-frames are stored out of order; at a variable rate MP4 then gets the lengths of frames wrong. And where the
        # first is stored late an edit list says so, in milliseconds: a film of less than half of one would be empty.
        steps = set() if self._ticks is None else set(np.diff(self._ticks).tolist())
        in_order = len(steps) > 1 or self.fps > 1000 or any(step * self._clock < Fraction(1, 1000) for step in steps)
        self._encoder = choose(codec, self.size)
        self._options = self._encoder.options(crf, preset, b_frames=0 if in_order else 3)
        self._threads = threads
        self._gop = max(1, round(key_frame_every_s * self.fps))
        self._part = part_of(self.path).absolute()
        self._film: OutputContainer | None = None
        self._sound: SoundTrack | None = None
        self._scaler = VideoReformatter()
        self.written = 0

    @property
    def warnings(self) -> list[str]:
        return [] if self._sound is None else self._sound.warnings

    def __enter__(self) -> Self:
        clip = None if self._source is None else probe(self._source)
        try:
            with self._telling():
                self._film = av.open(str(self._part), "w", format=self.container, options=self.muxing)
                self._pictures = self._add_pictures(self._film)
                if clip is not None and clip.has_audio:
                    self._sound = SoundTrack(clip, self._film, self._span_s, self.sound)
                self._film.start_encoding()
        except BaseException:
            self._abandon()
            raise
        return self

    def write(self, frame: Frame) -> None:
        """Append a frame: (H, W, 3) uint8 RGB, or (3 * H / 2, W) uint8, the rows of Y, then of U, then of V.

        Planes are taken for what the film is tagged as, and encoded as they are. The array may be used again
        afterwards.
        """
        width, height = self.size
        if frame.shape not in ((height, width, 3), (height * 3 // 2, width)) or frame.dtype != np.uint8:
            raise ValueError(f"frame: expected {(height, width, 3)} uint8, got {frame.shape} {frame.dtype}")
        tick = self._tick(self.written)
        with self._telling():
            picture = self._picture(frame)
            picture.pts, picture.time_base = tick, self._clock
            if self._sound is not None:
                self._sound.feed(float(tick * self._clock))
            self._open_film.mux(self._pictures.encode(picture))
        self.written += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            if not self.written:
                raise ValueError("VideoWriter: no frame was written")
            if self._ticks is not None and self.written != len(self._ticks):
                raise ValueError(f"timestamps: {len(self._ticks)} of them, but {self.written} frames were written")
            with self._telling():
                self._open_film.mux(self._pictures.encode(None))
                if self._sound is not None:
                    self._sound.feed(None)
                    self._sound.close()
                self._open_film.close()
                self._part.replace(self.path)
        except BaseException:
            self._abandon()
            raise

    @property
    def _open_film(self) -> OutputContainer:
        if self._film is None:
            raise ValueError("VideoWriter: use it in a `with` block")
        return self._film

    def _add_pictures(self, film: OutputContainer) -> VideoStream:
        pictures = film.add_stream(self._encoder.name, rate=self.fps, options=self._options)
        assert isinstance(pictures, VideoStream)
        context = pictures.codec_context
        context.width, context.height = self.size
        context.pix_fmt = self._encoder.pix_fmt
        context.time_base = self._clock
        context.gop_size = self._gop
        context.thread_count = self._threads
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        return pictures

    def _picture(self, frame: Frame) -> VideoFrame:
        """Return a frame as what the film is tagged as; RGB is converted."""
        if frame.ndim == 2:
            # x264 copies what it is given at once; a card may come back for it later. Without a copy PyAV takes a
            # height that four does not divide for two rows less, and finds the colours too early.
            at_once = self._encoder is ENCODERS[X264] and self.size[1] % 4 == 0
            make = VideoFrame.from_numpy_buffer if at_once else VideoFrame.from_ndarray
            picture = make(np.ascontiguousarray(frame), format="yuv420p")
            picture.colorspace, picture.color_range = Colorspace.ITU709, ColorRange.MPEG
            return picture
        return self._scaler.reformat(
            VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            threads=self._threads,
        )

    def _tick(self, index: int) -> int:
        """Return when frame `index` begins; it lasts until the next one, and the last one as the rate says."""
        if self._ticks is None:
            return round(index / (self.fps * self._clock))
        if index >= len(self._ticks):
            raise ValueError(f"timestamps: only {len(self._ticks)} of them, but another frame came")
        return self._ticks[index]

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what FFmpeg and the disk complain about into one line."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            advice = "check the folder, its rights and the free space"
            raise VideoError(f"{self.path}: the film cannot be written ({reason(error)}); {advice}") from error

    def _abandon(self) -> None:
        """Let go of everything and leave no file behind."""
        if self._sound is not None:
            self._sound.close()
        if self._film is not None:
            with suppress(av.FFmpegError, OSError):
                self._film.close()
        self._part.unlink(missing_ok=True)


def _clock(fps: Fraction, time_base: Fraction | None, *, constant: bool) -> Fraction:
    """Choose seconds per tick: what was asked for, unless MP4 cannot count so finely."""
    if time_base is None:
        time_base = 1 / fps if constant else DEFAULT_CLOCK
    return time_base if time_base.denominator <= FINEST_CLOCK else DEFAULT_CLOCK


def _ticks(timestamps: NDArray[np.float64], clock: Fraction) -> list[int]:
    """Return strictly increasing ticks of time stamps in seconds; a repeated one becomes the next tick."""
    if timestamps.ndim != 1 or not np.isfinite(timestamps).all() or (np.diff(timestamps) < 0).any():
        raise ValueError("timestamps: must be finite seconds in a row, not running backwards")
    if len(timestamps) and timestamps[0] != 0:
        raise ValueError(f"timestamps: count from the first frame, so the first must be 0, got {timestamps[0]}")
    ticks: list[int] = []
    for seconds in timestamps:
        tick = tick_of(float(seconds), clock)
        ticks.append(max(tick, ticks[-1] + 1) if ticks else tick)
    return ticks
