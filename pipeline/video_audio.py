"""The sound of one film carried into another, in step with its pictures: `SoundTrack`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from pipeline.video_decode import open_film, reason
from pipeline.video_probe import Clip

# What an MP4 may hold as it is, and a player then plays; anything else becomes AAC.
COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})
LOWEST_MP3_RATE = 16_000  # below it MP4 does not allow MP3
AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})
AAC_BITS_PER_CHANNEL = 96_000
LEAD_S = Fraction(1, 10)  # sound kept from before the first frame: a decoder needs a little to run up


class SoundTrack:
    """Feeds the first sound track of `clip` into `film`, shifted so that the clip's first frame is at 0.

    Packets are copied where MP4 can hold them, otherwise decoded and encoded as AAC. Memory does not grow.
    Damaged sound never costs the pictures: the track ends there and `warnings` says so.

    Args:
        clip: film with sound.
        film: container being written, its header not yet written.
    """

    def __init__(self, clip: Clip, film: OutputContainer) -> None:
        self.warnings: list[str] = []
        self._clip, self._film = clip, film
        self._files = ExitStack()
        self._ready: Packet[AudioStream] | None = None
        try:
            self._packets = self._open()
        except BaseException:
            self._files.close()
            raise

    def feed(self, until_s: float | None) -> None:
        """Write all sound that begins before `until_s`, in seconds of the film; None writes all that is left."""
        while until_s is None or self._ready is None or _start_s(self._ready) < until_s:
            if self._ready is not None:
                self._film.mux(self._ready)
            self._ready = self._read()
            if self._ready is None:
                return

    def close(self) -> None:
        """Close the film that the sound came from."""
        self._files.close()

    def _read(self) -> Packet[AudioStream] | None:
        try:
            return next(self._packets, None)
        except (av.FFmpegError, OSError) as error:
            self.warnings.append(f"{self._clip.path.name}: the sound breaks off ({reason(error)})")
            return None

    def _open(self) -> Iterator[Packet[AudioStream]]:
        container = self._files.enter_context(open_film(self._clip.path))
        source = next(track for track in container.streams.audio if track.codec_context is not None)
        source.codec_context.thread_count = 1
        packets = (packet for packet in container.demux(source) if packet.size)
        name, rate = source.codec_context.name.removesuffix("float"), source.codec_context.sample_rate
        if name in COPIED and not (name == "mp3" and rate < LOWEST_MP3_RATE):
            target = self._film.add_stream_from_template(source)
            return _copied(packets, target, self._clip.start_s)
        channels = min(2, source.codec_context.channels)
        target = self._film.add_stream(
            "aac", rate=rate if rate in AAC_RATES else 48_000, layout="stereo" if channels == 2 else "mono"
        )
        target.bit_rate = AAC_BITS_PER_CHANNEL * channels
        return self._encoded(packets, source, target)

    def _encoded(
        self, packets: Iterator[Packet[AudioStream]], source: AudioStream, target: AudioStream
    ) -> Iterator[Packet[AudioStream]]:
        """Decode and encode; the time stamps count samples from the first frame of the film."""
        encoder = target.codec_context
        shaper = AudioResampler(format="fltp", layout=encoder.layout, rate=encoder.sample_rate)
        damaged = 0
        for packet in packets:
            try:
                frames = source.codec_context.decode(packet)
            except av.FFmpegError:
                damaged += 1
                continue
            for frame in frames:
                if frame.pts is None or frame.time_base is None:
                    continue
                start_s = frame.pts * frame.time_base - self._clip.start_s
                if start_s + Fraction(frame.samples, frame.sample_rate) <= 0:
                    continue
                frame.pts, frame.time_base = round(start_s * frame.sample_rate), Fraction(1, frame.sample_rate)
                for shaped in shaper.resample(frame):
                    yield from target.encode(shaped)
        if damaged:
            self.warnings.append(f"{self._clip.path.name}: damaged sound skipped ({damaged} x)")
        for shaped in shaper.resample(None):
            yield from target.encode(shaped)
        yield from target.encode(None)


def _copied(
    packets: Iterator[Packet[AudioStream]], target: AudioStream, start_s: Fraction
) -> Iterator[Packet[AudioStream]]:
    """Give the packets to `target`, moved by `start_s`; those that run backwards are dropped."""
    last: int | None = None
    for packet in packets:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            continue
        moved = stamp - round(start_s / packet.time_base)
        early = (moved + (packet.duration or 0)) * packet.time_base < -LEAD_S
        if early or (last is not None and moved <= last):
            continue
        last = packet.pts = packet.dts = moved
        packet.stream = target
        yield packet


def _start_s(packet: Packet[AudioStream]) -> Fraction:
    return (packet.pts or 0) * packet.time_base
