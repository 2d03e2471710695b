"""The film as WebM: VP9 and Opus, free of licences; `WebmWriter`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pipeline.video.audio import WEBM_SOUND, Sound
from pipeline.video.encoders import X264_PRESETS, Encoder
from pipeline.video.write import VideoWriter

_CLOCK = Fraction(1, 1000)  # WebM counts milliseconds
_SPEEDS = ("8", "7", "6", "5", "4", "3", "2", "1", "0")  # of `cpu-used`, as x264's presets from fast to slow
_MOST_CRF = (63, 51)  # the scales of VP9 and x264 end there


class WebmWriter(VideoWriter):
    """Writes a film as `VideoWriter` does, its time stamps to the millisecond.

    Args:
        path, size, timestamps, fps, audio_from, audio_span_s: as there.
        crf, preset: x264's; VP9's are those as far along its own scales.
    """

    container: ClassVar[str] = "webm"
    muxing: ClassVar[dict[str, str]] = {}
    sound: ClassVar[Sound] = WEBM_SOUND

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        timestamps: Sequence[float] | NDArray[np.float64],
        *,
        fps: Fraction,
        audio_from: Path | None = None,
        audio_span_s: tuple[float, float] = (0.0, math.inf),
        crf: int = 20,
        preset: str = "veryfast",
    ) -> None:
        super().__init__(
            path, size, timestamps, fps=fps, time_base=_CLOCK, audio_from=audio_from, audio_span_s=audio_span_s
        )
        self._encoder = Encoder("libvpx-vp9", "yuv420p", "crf", ())
        speed = _SPEEDS[X264_PRESETS.index(preset)]
        how = "realtime" if int(speed) > 5 else "good"  # speeds beyond 5 are for that alone
        vp9 = str(round(crf * _MOST_CRF[0] / _MOST_CRF[1]))
        self._options = {"crf": vp9, "b": "0", "row-mt": "1", "deadline": how, "cpu-used": speed}
