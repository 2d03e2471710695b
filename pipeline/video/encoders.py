"""H.264 encoders: x264, or the one of a graphics card where FFmpeg finds it at work."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av
from av.codec.codec import UnknownCodecError

from pipeline.errors import VideoError


@dataclass(frozen=True)
class Encoder:
    """An H.264 encoder of FFmpeg.

    Attributes:
        name: FFmpeg's.
        pix_fmt: the 4:2:0 that it takes.
        quality: the option that stands for x264's crf, and what goes with it.
        presets: its own word for x264's ultrafast to veryslow, from fast to slow, evenly.
        other: further options.
    """

    name: str
    pix_fmt: str
    quality: str
    presets: tuple[str, ...]
    other: tuple[tuple[str, str], ...] = ()

    def options(self, crf: int, preset: str, b_frames: int) -> dict[str, str]:
        """Return FFmpeg's options for x264's words."""
        place = X264_PRESETS.index(preset) / (len(X264_PRESETS) - 1)
        words = {"preset": self.presets[round(place * (len(self.presets) - 1))]} if self.presets else {}
        return {**words, self.quality: str(crf), "profile": "high", "bf": str(b_frames), **dict(self.other)}


X264_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
X264 = "x264"
ENCODERS = {
    X264: Encoder("libx264", "yuv420p", "crf", X264_PRESETS),
    "nvenc": Encoder("h264_nvenc", "yuv420p", "cq", tuple(f"p{k}" for k in range(1, 8)), (("rc", "vbr"), ("b", "0"))),
    "qsv": Encoder("h264_qsv", "nv12", "global_quality", X264_PRESETS[2:]),
    "amf": Encoder("h264_amf", "yuv420p", "qp_p", ("speed", "balanced", "quality"), (("rc", "cqp"),)),
    "videotoolbox": Encoder("h264_videotoolbox", "yuv420p", "global_quality", ()),
}


def choose(name: str, size: tuple[int, int]) -> Encoder:
    """Return an encoder by name; "auto" is the first of a graphics card that works for this size, else x264.

    Raises:
        VideoError: the one asked for does not work here.
    """
    if name == X264:
        return ENCODERS[X264]
    for other in [other for other in ENCODERS if other != X264] if name == "auto" else [name]:
        if works(ENCODERS[other], size):
            return ENCODERS[other]
    if name == "auto":
        return ENCODERS[X264]
    raise VideoError(f"encoder {name}: FFmpeg finds none at work here; use x264, or auto for what there is")


def works(encoder: Encoder, size: tuple[int, int]) -> bool:
    """Tell whether FFmpeg has the encoder and can open it; a card that is absent or too old refuses here."""
    with suppress(av.FFmpegError, OSError, ValueError, UnknownCodecError):
        context = av.CodecContext.create(encoder.name, "w")
        assert isinstance(context, av.VideoCodecContext)
        (context.width, context.height), context.pix_fmt = size, encoder.pix_fmt
        context.time_base = Fraction(1, 25)
        context.open()
        return True
    return False
