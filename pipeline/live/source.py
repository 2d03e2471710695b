"""Where live frames come from: a camera, a stream, or a film that is played at its own pace."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import PipelineError, VideoError

Timed = tuple[float, float, NDArray[np.uint8]]  # seconds since the first frame; when it came, time.monotonic; RGB
SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "tcp", "udp", "srt")
# A play list in a stream's clothes must open no file of ours.
_PROTOCOLS = "http,https,httpproxy,rtp,srtp,rtsp,rtsps,rtmp,tcp,udp,tls,srt,crypto"
# What is looked at before the first frame. (FFmpeg's "nobuffer" would lose it, key frame and all.)
_QUICK = {"analyzeduration": "500000", "probesize": "500000"}
_OPEN_S, _READ_S = 10.0, 10.0  # that a stream may keep us waiting
_LONGEST_STEP_S = 5.0  # between time stamps; a longer one is a clock that was set anew


class Source(Protocol):
    """Frames as they come.

    Attributes:
        name: what it is called to people.
        size: (W, H) pixels.
        fps: frames per second, as far as it is told.
        warnings: what the user should know, when it has ended.
    """

    name: str
    size: tuple[int, int]
    fps: Fraction
    warnings: list[str]

    def frames(self, ended: threading.Event) -> Iterator[Timed]:
        """Yield the frames once, each as soon as it is there, until `ended` is set."""
        ...


def open_source(word: str) -> Source:
    """Open what a user names: a camera's number, an address, or a film.

    Raises:
        PipelineError: it cannot be opened, or gives no frame.
    """
    scheme, _, rest = word.partition("://")
    if re.fullmatch("[0-9]{1,3}", word):
        return Camera(int(word))
    if rest and scheme.lower() in SCHEMES:
        return Stream(word)
    if rest and not Path(word).exists():
        raise PipelineError(f"{word}: {scheme!r} is no address that can be read; known are {', '.join(SCHEMES)}")
    return Played(Path(word))


class Played:
    """A film, each frame given when its time has come."""

    def __init__(self, path: Path) -> None:
        from pipeline.video import probe

        self._clip = probe(path)
        self.name, self.size, self.fps = path.name, self._clip.size, self._clip.fps
        self.warnings: list[str] = []

    def frames(self, ended: threading.Event) -> Iterator[Timed]:
        from pipeline.video import VideoReader

        began, reader = None, VideoReader(self._clip, threads=1)
        for seconds, picture in reader:
            began = time.monotonic() if began is None else began
            ended.wait(began + seconds - time.monotonic())
            # By the clock, not by when we got to it: a film that is decoded too slowly lags, and says so.
            yield seconds, began + seconds, picture
        self.warnings += reader.warnings


class Stream:
    """A stream from the network.

    Raises:
        VideoError: nobody answers, or it holds no moving pictures.
    """

    def __init__(self, address: str) -> None:
        import av

        from pipeline.video.decode import decode_frames, film_stream, reason

        self.name = re.sub("//[^/@]*@", "//", address)  # without a password
        self.warnings: list[str] = []
        options = {"protocol_whitelist": _PROTOCOLS, "rtsp_transport": "tcp", **_QUICK}
        try:
            self._container = av.open(address, options=options, timeout=(_OPEN_S, _READ_S))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(f"{self.name}: cannot be opened ({reason(error)}); check the address") from error
        try:
            stream = film_stream(self._container, Path(self.name), threads=1)  # more would hold frames back
            self._decoded = decode_frames(self._container, stream, self._note)
            first = next(self._decoded, None)
        except BaseException:
            self._container.close()
            raise
        if first is None:
            self._container.close()
            raise VideoError(f"{self.name}: ended before its first frame; check what is sent there")
        self._first, self._tick_s = first, float(stream.time_base or 0)
        self.size = first.width, first.height
        self.fps = stream.average_rate or stream.guessed_rate or Fraction(25)

    def frames(self, ended: threading.Event) -> Iterator[Timed]:
        clock = _Clock()
        width, height = self.size
        with self._container:
            for frame in chain([self._first], self._decoded):
                if ended.is_set():
                    return
                now = time.monotonic()
                picture = frame.to_ndarray(format="rgb24", width=width, height=height)
                stamp = None if frame.pts is None else frame.pts * self._tick_s
                yield clock.seconds(stamp, now), now, np.ascontiguousarray(picture, np.uint8)

    def _note(self, what: str) -> None:
        if "Immediate exit requested" in what:  # FFmpeg's words for our patience
            what = f"sent nothing for {_READ_S:g} s"
        what = what.replace("the file breaks off", "ended")
        if what not in self.warnings:
            self.warnings.append(what)


class _Clock:
    """Seconds since the first frame, by the frames' own stamps where they can be believed, else by when they came."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._last: tuple[float | None, float] | None = None

    def seconds(self, stamp: float | None, came: float) -> float:
        """Return the time of a frame that is stamped so and came then; it is later than the one before."""
        if self._last is not None:
            before, came_before = self._last
            step = -1.0 if stamp is None or before is None else stamp - before
            self._seconds += step if 0 < step < _LONGEST_STEP_S else max(came - came_before, 1e-3)
        self._last = stamp, came
        return self._seconds


class Camera:
    """A camera of this machine.

    Raises:
        VideoError: there is none of that number, or another program holds it.
    """

    def __init__(self, number: int) -> None:
        import cv2

        self.name = f"camera {number}"
        self.warnings: list[str] = []
        if not _is_there(number):  # OpenCV would tell at length
            raise VideoError(f"{self.name}: there is none (no /dev/video{number}); `ls /dev/video*` shows who is")
        self._capture = cv2.VideoCapture(number)
        there, picture = self._capture.read()
        if not there:
            self._capture.release()
            raise VideoError(f"{self.name}: gives no picture; is it plugged in, free, and allowed to be read?")
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self.size = picture.shape[1], picture.shape[0]
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = Fraction(rate).limit_denominator(1001) if 1 <= rate <= 240 else Fraction(30)

    def frames(self, ended: threading.Event) -> Iterator[Timed]:
        began = None
        try:
            while not ended.is_set():
                there, picture = self._capture.read()
                now = time.monotonic()
                if not there:
                    self.warnings.append("gives no more pictures")
                    return
                began = now if began is None else began
                yield now - began, now, np.ascontiguousarray(picture[..., ::-1], np.uint8)
        finally:
            self._capture.release()


def _is_there(number: int) -> bool:
    """Tell whether a camera of that number can be looked for; only Linux says it beforehand."""
    return sys.platform != "linux" or Path(f"/dev/video{number}").exists()
