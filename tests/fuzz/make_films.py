"""Films that nobody should make: drawn small and short, of every kind, then broken in one of many ways; by seed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from films import SAME, make_badly_stamped, make_film, numbered

Rng = np.random.Generator

NAMES = (
    "film", "two words", " lead", "trail ", "-dash", "--output", "new\nline", "tab\t", "näme", "фильм", "電影", "🎬",
    "a'b", 'a"b', "a;b", "$(id)", "`id`", "a&b", "%s", "a*b", "[a]", "{a}", "#", "~", "a,b", "a=b", "a:b", "con",
    "x" * 120, "e\u0301", "\u202efilm", "film.tar", "..film", "a\\b", "\udcff",
)  # fmt: skip
SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")
CODECS = {
    ".mp4": ("libx264", "mpeg4"), ".mov": ("libx264", "mjpeg", "qtrle"), ".mkv": ("libx264", "ffv1", "mjpeg"),
    ".webm": ("libvpx", "libvpx-vp9"), ".avi": ("mpeg4", "mjpeg", "rawvideo"), ".gif": ("gif",),
}  # fmt: skip
FORMATS = {
    "libx264": ("yuv420p", "yuv420p10le", "yuv444p", "yuv422p", "gray"), "mpeg4": ("yuv420p",),
    "mjpeg": ("yuvj420p", "yuvj444p"), "qtrle": ("argb", "rgb24"), "ffv1": ("yuv420p", "yuva420p", "gray16le", "bgr0"),
    "libvpx": ("yuv420p", "yuva420p"), "libvpx-vp9": ("yuv420p", "yuva420p"), "rawvideo": ("yuv420p", "bgr24"),
    "gif": ("rgb8", "gray"),
}  # fmt: skip
RATES = (25, 30, Fraction(30000, 1001), 1, Fraction(1, 10), 240, 1000, Fraction(1, 60), 60)
SIZES = ((64, 48), (16, 16), (2, 2), (1, 1), (3, 5), (33, 47), (128, 2), (2, 128), (200, 8))


def pick(rng: Rng, values: tuple) -> object:
    return values[int(rng.integers(len(values)))]


def plain(rng: Rng, folder: Path) -> Path:
    """A film of any container, codec, pixel format, size, rate and turn; some hold sound."""
    suffix = str(pick(rng, SUFFIXES))
    codec = str(pick(rng, CODECS[suffix]))
    settings = {
        "rate": pick(rng, RATES), "codec": codec, "pix_fmt": pick(rng, FORMATS[codec]),
        "options": {"threads": "1", **({"flags": "+ildct+ilme"} if codec == "mpeg4" and rng.random() < 0.3 else {})},
    }  # fmt: skip
    if codec == "libx264":
        colours = (("bt2020nc", "smpte2084"), ("bt709", "bt709"), ("smpte170m", "arib-std-b67"))
        matrix, transfer = colours[int(rng.integers(3))]
        settings["options"] |= {"preset": "ultrafast", "colorspace": matrix, "color_trc": transfer}
        if rng.random() < 0.2:
            settings["options"]["x264-params"] = "tff=1"
    if suffix in (".mp4", ".mov") and rng.random() < 0.4:
        settings["turn"] = (float(rng.integers(-4, 5) * 45), bool(rng.random() < 0.3), bool(rng.random() < 0.3))
    if suffix == ".mkv" and rng.random() < 0.3:
        settings["pixel_aspect"] = Fraction(int(rng.integers(1, 50)), int(rng.integers(1, 50)))
    if suffix in (".mp4", ".mov") and rng.random() < 0.2:
        settings["audio"] = "aac"
    size = SIZES[int(rng.integers(len(SIZES)))] if rng.random() < 0.5 else SIZES[0]
    count = int(rng.integers(1, 9)) if rng.random() < 0.8 else 1
    try:
        return make_film(folder / f"film{suffix}", count, size, container=SAME, **settings)  # type: ignore[arg-type]
    except (av.FFmpegError, ValueError, OSError):  # no encoder takes every size in every format
        return make_film(folder / "film.mkv", count, (64, 48), codec="mjpeg", pix_fmt="yuvj420p", container=SAME)


def stamped(rng: Rng, folder: Path) -> Path:
    """Time stamps that stand still, go back, jump by years, or are negative."""
    count = int(rng.integers(2, 9))
    stamps = rng.integers(-100, 400, count) if rng.random() < 0.7 else np.repeat(rng.integers(0, 9), count)
    if rng.random() < 0.3:
        stamps[int(rng.integers(count))] = int(pick(rng, (10**12, -(10**12), 2**40, 10**8)))
    with suppress(av.FFmpegError):  # the muxer refuses some of them
        return make_badly_stamped(folder / "film.mkv", [int(stamp) for stamp in stamps], container=SAME)
    return make_badly_stamped(folder / "film.mkv", [abs(int(stamp)) + count for stamp in stamps], container=SAME)


def resized(rng: Rng, folder: Path) -> Path:
    """A film whose pictures change their size on the way."""
    path = folder / "film.mkv"
    with av.open(str(path), "w", format="matroska", options=SAME) as film:
        pictures = film.add_stream("mjpeg", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuvj420p"
        for index in range(int(rng.integers(2, 7))):
            coder = av.CodecContext.create("mjpeg", "w")
            coder.width, coder.height = (int(side) for side in rng.integers(2, 100, 2))
            coder.pix_fmt, coder.time_base = "yuvj420p", Fraction(1, 25)
            picture = av.VideoFrame.from_ndarray(numbered(index, (coder.width, coder.height)), format="rgb24")
            for packet in coder.encode(picture.reformat(format="yuvj420p")):
                packet.stream, packet.pts, packet.dts, packet.time_base = pictures, index, index, Fraction(1, 25)
                film.mux(packet)
    return path


def sound(rng: Rng, folder: Path) -> Path:
    """Sound alone."""
    path = folder / f"film{pick(rng, ('.mp4', '.mkv', '.wav'))}"
    with av.open(str(path), "w", options=SAME) as film:
        track = film.add_stream("pcm_s16le" if path.suffix == ".wav" else "aac", rate=8000, layout="mono")
        form = "s16" if path.suffix == ".wav" else "fltp"
        chunk = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16 if form == "s16" else np.float32), form, "mono")
        chunk.sample_rate, chunk.pts = 8000, 0
        film.mux(track.encode(chunk))
        film.mux(track.encode(None))
    return path


def picture(rng: Rng, folder: Path) -> Path:
    """One picture, in a picture's file; or a folder of them."""
    suffix = str(pick(rng, (".png", ".jpg", ".bmp")))
    codec = {".png": "png", ".jpg": "mjpeg", ".bmp": "bmp"}[suffix]
    form = {"png": "rgb24", "mjpeg": "yuvj420p", "bmp": "bgr24"}[codec]
    coder = av.CodecContext.create(codec, "w")
    coder.width, coder.height, coder.pix_fmt, coder.time_base = 32, 24, form, Fraction(1, 25)
    shown = av.VideoFrame.from_ndarray(numbered(3, (32, 24)), format="rgb24").reformat(format=form)
    content = b"".join(bytes(packet) for packet in [*coder.encode(shown), *coder.encode(None)])
    path = folder / "film"
    if rng.random() < 0.4:
        path.mkdir()
        for index in range(3):
            (path / f"{index}{suffix}").write_bytes(content)
        return path
    path = path.with_suffix(suffix)
    path.write_bytes(content)
    return path


def junk(rng: Rng, folder: Path) -> Path:
    """No film at all: nothing, zeros, noise, text, play lists, in a film's clothes."""
    path = folder / f"film{pick(rng, SUFFIXES)}"
    texts = (
        b"", b"\0" * int(rng.integers(1, 9999)), rng.bytes(int(rng.integers(1, 9999))), b"hello\n" * 50,
        b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"<MPD></MPD>",
        b"YUV4MPEG2 W16 H16 F25:1 C420\nFRAME\n" + b"\x80" * 384, b"\x00\x00\x00\x14ftypisom",
        b"RIFF\xff\xff\xff\xffAVI ",
        b"\x1a\x45\xdf\xa3" + rng.bytes(200), b"GIF89a" + rng.bytes(100), b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    )  # fmt: skip
    path.write_bytes(texts[int(rng.integers(len(texts)))])
    return path


def pipe(_: Rng, folder: Path) -> Path:
    """A named pipe, to which nobody ever writes."""
    path = folder / "film.mp4"
    os.mkfifo(path)
    return path


def truncated(rng: Rng, content: bytes) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def flipped(rng: Rng, content: bytes) -> bytes:
    """Some bits turned, half of the time among the first bytes, where headers are."""
    changed = bytearray(content)
    end = len(changed) if rng.random() < 0.5 else min(len(changed), 400)
    for _ in range(int(rng.integers(1, 30))):
        changed[int(rng.integers(end))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def reordered(rng: Rng, content: bytes) -> bytes:
    cuts = sorted(int(cut) for cut in rng.integers(0, len(content), int(rng.integers(1, 5))))
    parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    return b"".join(parts[int(index)] for index in rng.permutation(len(parts)))


def doubled(_: Rng, content: bytes) -> bytes:
    return content + content


def claiming(rng: Rng, content: bytes) -> bytes:
    """Large numbers where a header told sizes and lengths."""
    changed = bytearray(content)
    for name in (b"mvhd", b"mdhd", b"tkhd", b"stts", b"stsz", b"stco", b"avih", b"strh", b"\x44\x89"):
        at = changed.find(name)
        if at >= 0 and rng.random() < 0.5:
            begin = at + 4 + 4 * int(rng.integers(0, 6))
            word = pick(rng, (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"))
            changed[begin : begin + 4] = word  # type: ignore[assignment]
    return bytes(changed)


MAKERS: tuple[tuple[Callable[[Rng, Path], Path], float], ...] = (
    (plain, 0.72), (stamped, 0.08), (resized, 0.05), (sound, 0.03), (picture, 0.04), (junk, 0.06), (pipe, 0.02),
)  # fmt: skip
BREAKERS = (truncated, flipped, flipped, reordered, doubled, claiming)


def make(seed: int, folder: Path) -> tuple[Path, str]:
    """Write film number `seed` into a folder; return it, and in words what it is."""
    rng = np.random.default_rng(seed)
    made = MAKERS[int(rng.choice(len(MAKERS), p=[share for _, share in MAKERS]))][0]
    path, what = made(rng, folder), made.__name__
    if path.is_file() and path.stat().st_size and rng.random() < 0.65:
        breaker = BREAKERS[int(rng.integers(len(BREAKERS)))]
        path.write_bytes(breaker(rng, path.read_bytes()))
        what += f", {breaker.__name__}"
    if rng.random() < 0.3:
        name = str(pick(rng, NAMES)) + path.suffix
        path = path.rename(folder / name)
    return path, f"{what}: {path.name!r}"
