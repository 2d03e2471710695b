"""Opens a film that nobody vouches for, and decodes every frame that can be decoded: the ground of probe and reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import VideoError

MAX_PIXELS = 8192 * 8192  # a file of a few bytes may claim a picture that would fill the memory
READ_BYTES = 1 << 18
# Containers that are read. FFmpeg knows four hundred; the others are play lists, devices, subtitles, and formats of
# games and instruments, whose readers few people look at. Sound is named here to be told for what it is.
CONTAINERS = (
    "mov", "matroska", "avi", "flv", "live_flv", "mpeg", "mpegts", "mpegvideo", "asf", "ogg", "mxf", "gxf", "rm", "dv",
    "nut", "wtv", "ivf", "h261", "h263", "h264", "hevc", "vvc", "vc1", "m4v", "av1", "obu", "dirac", "mjpeg",
    "mjpeg_2000", "yuv4mpegpipe", "gif", "apng", "webp_pipe", "png_pipe", "jpeg_pipe", "bmp_pipe", "tiff_pipe",
    "aac", "ac3", "aiff", "amr", "caf", "eac3", "flac", "mp3", "w64", "wav",
)  # fmt: skip
SKIPPED = "damaged frames skipped"


class Orientation(NamedTuple):
    """How a stored picture becomes upright: first x and y change places, then the new rows and columns are mirrored."""

    transpose: bool
    flip_x: bool
    flip_y: bool

    @property
    def rotation(self) -> int:
        """The clockwise turn, 0, 90, 180 or 270 degrees; a mirrored picture gives the turn that remains without it."""
        if self.transpose:
            return 90 if self.flip_x else 270
        return 180 if self.flip_y else 0


AnyStream = TypeVar("AnyStream", AudioStream, VideoStream)
UPRIGHT = Orientation(False, False, False)


@contextmanager
def open_film(path: Path) -> Iterator[InputContainer]:
    """Open a file for demuxing.

    The file is handed over as an open file, every protocol is refused and so is every container that is none of
    `CONTAINERS`, so that a play list in a film's clothes opens no other file and no address.

    Raises:
        VideoError: the file is not there, not readable, empty, or no film.
    """
    if not path.is_file():
        raise VideoError(f"{path}: {'is not a file' if path.exists() else 'no such file'}; name a video file")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise VideoError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error
    with stream:
        if not stream.read(1):
            raise VideoError(f"{path}: the file is empty; copy or record it again")
        stream.seek(0)
        try:
            container = av.open(
                stream,
                mode="r",
                buffer_size=READ_BYTES,
                metadata_errors="replace",
                options={"protocol_whitelist": "none", "format_whitelist": ",".join(CONTAINERS)},
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(
                f"{path}: not a video that can be read ({reason(error)}); give an MP4, MOV or MKV"
            ) from error
        with container:
            yield container


def film_stream(container: InputContainer, path: Path, threads: int) -> VideoStream:
    """Return the stream of moving pictures, ready to decode; a song's cover picture is none.

    Args:
        threads: decoding threads; 0 leaves the number to FFmpeg.

    Raises:
        VideoError: there are no moving pictures, no decoder for them, or they are absurdly large.
    """
    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    films = [stream for stream in container.streams.video if not stream.disposition & covers]
    if not films:
        raise VideoError(f"{path}: holds no moving pictures ({_contents(container)}); give a video")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in films else films[0]
    context = stream.codec_context
    if context is None:
        raise VideoError(f"{path}: no decoder for its pictures; convert it to H.264 first")
    if context.width * context.height > MAX_PIXELS:
        raise VideoError(f"{path}: {context.width}x{context.height} pixels are too many; scale it down first")
    context.options = {"max_pixels": str(MAX_PIXELS)}
    stream.thread_type = av.codec.context.ThreadType.AUTO
    stream.thread_count = threads
    return stream


def demux(container: InputContainer, stream: AnyStream, damage: Callable[[str], None]) -> Iterator[Packet[AnyStream]]:
    """Yield the packets of a stream for as long as the file can be read; empty ones are among them."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, OSError) as error:
            damage(f"the file breaks off ({reason(error)})")
            return
        except IndexError:  # PyAV at the end of a damaged file in which further streams turned up half-way
            return
        if packet is None:
            return
        yield packet


def decode_frames(
    container: InputContainer, stream: VideoStream, damage: Callable[[str], None]
) -> Iterator[VideoFrame]:
    """Yield every frame that can be decoded, once, in the order of showing.

    Args:
        damage: is told, in a few words, of each packet that could not be decoded.
    """
    context = stream.codec_context
    for packet in demux(container, stream, damage):
        if not packet.size:  # a frame dropped at recording; to the decoder it would mean the end
            continue
        try:
            yield from context.decode(packet)
        except av.error.BlockingIOError:  # stuck over a damaged packet: it would refuse all that follow
            context.flush_buffers()
            damage(SKIPPED)
        except av.FFmpegError:
            damage(SKIPPED)
    # The decoder still holds frames; a damaged one among them must not take the others along.
    for _ in range(256):
        try:
            frames = context.decode(None)
        except av.error.EOFError:
            return
        except av.FFmpegError:
            damage(SKIPPED)
            continue
        if not frames:
            return
        yield from frames


def stamper_of(container: InputContainer) -> Callable[[VideoFrame], int | None]:
    """Return the function that reads a frame's time stamp, in ticks of the stream, or None where there is none.

    AVI numbers the frames in the order of storing, so with B-frames only the decoder's own clock is in order.
    """
    if container.format.name == "avi":
        return lambda frame: frame.dts
    return lambda frame: frame.pts if frame.pts is not None else frame.dts


def orientation_of(frame: VideoFrame) -> Orientation:
    """Read the display matrix of a frame: how a player turns it; angles between the quarters go to the nearest."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData) or matrix.buffer_size < 36:
        return UPRIGHT
    a, b, _, c, d, *_ = (int(value) for value in np.frombuffer(bytes(matrix), np.int32, 9))
    # A stored point (x, y) is shown at (a x + c y, b x + d y).
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, c < 0, b < 0)
    return Orientation(False, a < 0, d < 0)


def turn_upright(picture: NDArray[np.uint8], how: Orientation) -> NDArray[np.uint8]:
    """Return the upright picture, (H, W, 3) or a plane (H, W), of a stored one; turned ones are contiguous."""
    if how == UPRIGHT:
        return picture
    if how.transpose:
        picture = picture.swapaxes(0, 1)
    if how.flip_y:
        picture = picture[::-1]
    if how.flip_x:
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


def reason(error: Exception) -> str:
    """Return an error's own words in one short line, without FFmpeg's call names."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())[:200]


def _contents(container: InputContainer) -> str:
    kinds = sorted({stream.type for stream in container.streams})
    return f"only {', '.join(kinds)}" if kinds else "no streams"
