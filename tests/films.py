"""Makes the strange films that tests read: every frame carries its number, every corner its colour."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
BITS = 8
CORNERS = {"top left": (220, 40, 40), "top right": (40, 200, 40), "bottom left": (40, 60, 220)}  # bottom right: gray
TONE_HZ = 1000
SAME = {"fflags": "+bitexact"}  # for a container: no names made of random numbers in Matroska


def numbered(index: int, size: tuple[int, int] = (64, 48)) -> Frame:
    """Draw frame `index`: its last eight bits as black and white bars across the middle, coloured corners."""
    width, height = size
    frame = np.full((height, width, 3), 128, np.uint8)
    rows, columns = height // 4, width // 4
    frame[:rows, :columns] = CORNERS["top left"]
    frame[:rows, -columns:] = CORNERS["top right"]
    frame[-rows:, :columns] = CORNERS["bottom left"]
    for bit in range(BITS):
        bar = slice(bit * width // BITS, (bit + 1) * width // BITS)
        frame[height * 3 // 8 : height * 5 // 8, bar] = 235 if index >> bit & 1 else 20
    return frame


def number_of(frame: Frame) -> int:
    """Read the number of a frame that `numbered` drew, whatever became of its size and colours."""
    height, width = frame.shape[:2]
    middle = frame[height * 7 // 16 : height * 9 // 16].mean((0, 2))
    centres = [(2 * bit + 1) * width // (2 * BITS) for bit in range(BITS)]
    return sum(1 << bit for bit, x in enumerate(centres) if middle[x] > 128)


def make_film(
    path: Path,
    count: int = 12,
    size: tuple[int, int] = (64, 48),
    *,
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    turn: tuple[float, bool, bool] | None = None,
    pixel_aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
    audio: str | None = None,
    tone_at_s: float = 0.2,
    audio_start_s: float = 0.0,
    audio_rate: int = 44_100,
    container: dict[str, str] | None = None,
) -> Path:
    """Write a film of numbered frames, with PyAV; the suffix chooses the container.

    Args:
        ticks: time stamps of the frames in `time_base`; default: constant rate.
        turn: display matrix: counterclockwise degrees, mirrored across, mirrored down.
        pixel_aspect: width of a pixel over its height.
        audio: codec of a mono sound track: silence, then a tone from `tone_at_s` on.
        audio_start_s: where the sound track begins; its tone stays at `tone_at_s` on the film's clock.
    """
    with av.open(str(path), "w", options=container or {}) as film:
        pictures = film.add_stream(codec, rate=rate, options=options or {})
        pictures.width, pictures.height, pictures.pix_fmt = *size, pix_fmt
        if time_base is not None:
            pictures.codec_context.time_base = time_base
        if turn is not None:
            pictures.set_display_rotation(*turn)
        if pixel_aspect is not None:
            pictures.codec_context.sample_aspect_ratio = pixel_aspect
        sound = None
        if audio is not None:
            sound = film.add_stream(audio, rate=audio_rate, layout="mono")
        for index in range(count):
            picture = av.VideoFrame.from_ndarray(numbered(index, size), format="rgb24")
            picture.pts = index if ticks is None else ticks[index]
            picture.time_base = 1 / Fraction(rate) if time_base is None else time_base
            film.mux(pictures.encode(picture))
        film.mux(pictures.encode(None))
        if sound is not None:
            length_s = float(count / Fraction(rate)) if ticks is None else float((ticks[-1] + 1) * (time_base or 1))
            _encode_tone(film, sound, tone_at_s, audio_start_s, length_s)
    return path


def _encode_tone(
    film: av.container.OutputContainer, sound: av.AudioStream, at_s: float, start: float, end: float
) -> None:
    rate = sound.codec_context.sample_rate
    times = np.arange(round(start * rate), round(end * rate)) / rate
    wave = np.where(times >= at_s, 0.5 * np.sin(2 * np.pi * TONE_HZ * times), 0).astype(np.float32)
    for begin in range(0, len(wave), 1024):
        chunk = av.AudioFrame.from_ndarray(wave[None, begin : begin + 1024], format="fltp", layout="mono")
        chunk.sample_rate, chunk.time_base = rate, Fraction(1, rate)
        chunk.pts = round(start * rate) + begin
        film.mux(sound.encode(chunk))
    film.mux(sound.encode(None))


def make_badly_stamped(
    path: Path, stamps: Iterable[int], size: tuple[int, int] = (64, 48), container: dict[str, str] | None = None
) -> Path:
    """Write a Matroska film whose frames carry just these time stamps in milliseconds, in any order."""
    with av.open(str(path), "w", format="matroska", options=container or {}) as film:
        pictures = film.add_stream("mjpeg", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = *size, "yuvj420p"
        for index, stamp in enumerate(stamps):
            for packet in pictures.encode(av.VideoFrame.from_ndarray(numbered(index, size), format="rgb24")):
                packet.time_base = Fraction(1, 1000)
                packet.pts, packet.dts = stamp, index  # the muxer only insists that dts increases
                film.mux(packet)
    return path


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run the ffmpeg program that imageio-ffmpeg brings, and return what it wrote to its standard output."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-threads", "1", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert not done.returncode, done.stderr.decode()
    return done.stdout


def frames_by_ffmpeg(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return (T, H, W, 3) RGB as the ffmpeg program sees the film: upright by itself, no frame dropped or repeated."""
    raw = ffmpeg("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3)


def tone_begins_s(path: Path) -> float:
    """Return when the tone begins, in seconds after the first frame, by what a player would do with the film."""
    with av.open(str(path)) as film:
        first = next(film.decode(video=0))
        zero_s = float((first.pts or first.dts or 0) * film.streams.video[0].time_base)
    with av.open(str(path)) as film:
        for frame in film.decode(audio=0):
            loud = np.abs(_waves(frame)) > 0.1
            if loud.any():
                return float(frame.pts * frame.time_base) + int(loud.argmax()) / frame.sample_rate - zero_s
    raise AssertionError(f"{path}: no tone in it")


def _waves(frame: av.AudioFrame) -> NDArray[np.float64]:
    samples = frame.to_ndarray()
    channel = samples[0] if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)[:, 0]
    return channel / (np.iinfo(channel.dtype).max if channel.dtype.kind == "i" else 1.0)
