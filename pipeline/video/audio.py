"""The sound of one film carried into another, in step with its pictures: `SoundTrack`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, takewhile
from typing import cast

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from pipeline.video.clip import Clip
from pipeline.video.decode import demux, open_film, reason
from pipeline.video.times import LONGEST_PAUSE_S, steady_ticks


@dataclass(frozen=True)
class Sound:
    """What sound a container takes.

    Attributes:
        copied: codecs that it may hold and every browser plays.
        encoder: what everything else, AC-3 too, becomes.
        rates: samples a second that the encoder takes; others become 48,000.
        lead_s: copied sound that is kept from before the first frame: a decoder needs a little to run up. None where
            the container has no times below 0, and would begin late instead.
    """

    copied: frozenset[str]
    encoder: str
    rates: frozenset[int]
    lead_s: Fraction


LOWEST_MP3_RATE = 16_000  # below it MP4 does not allow MP3
AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000})
MP4_SOUND = Sound(frozenset({"aac", "mp3", "opus", "flac"}), "aac", AAC_RATES, Fraction(1, 10))
WEBM_SOUND = Sound(frozenset({"opus", "vorbis"}), "libopus", frozenset(), Fraction(0))
BITS_PER_CHANNEL = 96_000
USUAL_SAMPLES = 1024  # in a packet


class SoundTrack:
    """Feeds the first sound track of `clip` into `film`, shifted so that a time of it, its first frame's, is at 0.

    Packets are copied where the container can hold them, otherwise decoded and encoded anew. Memory does not grow.
    Damaged sound never costs the pictures: it is left out, and `warnings` says so.

    Args:
        clip: film with sound.
        film: container being written, its header not yet written.
        span_s: from when to when, in seconds since the clip's first frame.
        form: what the container takes.
    """

    def __init__(
        self, clip: Clip, film: OutputContainer, span_s: tuple[float, float] = (0.0, math.inf), form: Sound = MP4_SOUND
    ) -> None:
        self._breaks: list[str] = []
        self._damaged = 0
        self._clip, self._film, self._form = clip, film, form
        self._zero_s = clip.start_s + Fraction(span_s[0]).limit_denominator(1_000_000_000)
        self._length_s = span_s[1] - span_s[0]
        self._files = ExitStack()
        self._ready: Packet[AudioStream] | None = None
        try:
            self._packets = self._open()
        except BaseException:
            self._files.close()
            raise

    @property
    def warnings(self) -> list[str]:
        """What could not be carried over, one line each."""
        skipped = [f"{self._clip.path.name}: damaged sound skipped ({self._damaged} x)"] if self._damaged else []
        return skipped + self._breaks

    def feed(self, until_s: float | None) -> None:
        """Write all sound that begins before `until_s`, in seconds of the film; None writes all that is left."""
        while until_s is None or self._ready is None or _start_s(self._ready) < until_s:
            if self._ready is not None:
                self._mux(self._ready)
            self._ready = self._read()
            if self._ready is None:
                return

    def close(self) -> None:
        """Close the film that the sound came from."""
        self._files.close()

    def _mux(self, packet: Packet[AudioStream]) -> None:
        try:
            self._film.mux(packet)
        except av.FFmpegError as error:
            if isinstance(error, OSError):  # the disk, not the sound
                raise
            self._damaged += 1  # the muxer parses what it copies

    def _read(self) -> Packet[AudioStream] | None:
        try:
            return next(self._packets, None)
        except (av.FFmpegError, OSError) as error:
            self._break_off(f"the sound breaks off ({reason(error)})")
            return None

    def _break_off(self, what: str) -> None:
        self._breaks.append(f"{self._clip.path.name}: {what}")

    def _open(self) -> Iterator[Packet[AudioStream]]:
        container = self._files.enter_context(open_film(self._clip.path))
        source = next(track for track in container.streams.audio if track.codec_context is not None)
        source.codec_context.thread_count = 1
        packets = self._until_end(_in_order((p for p in demux(container, source, self._break_off) if p.size), source))
        name, rate = source.codec_context.name.removesuffix("float"), source.codec_context.sample_rate
        if name in self._form.copied and not (name == "mp3" and rate < LOWEST_MP3_RATE):
            target = self._film.add_stream_from_template(source)
            return _copied(packets, target, self._zero_s, self._form.lead_s)
        channels = min(2, source.codec_context.channels)
        made = self._film.add_stream(
            self._form.encoder,
            rate=rate if rate in self._form.rates else 48_000,
            layout="stereo" if channels == 2 else "mono",
        )
        target = cast("AudioStream", made)  # what an audio encoder's name gives
        target.bit_rate = BITS_PER_CHANNEL * channels
        return self._encoded(packets, target)

    def _until_end(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
        """Pass on packets that begin before the end of the span."""
        return takewhile(lambda packet: _start_s(packet) - self._zero_s < self._length_s, packets)

    def _encoded(self, packets: Iterator[Packet[AudioStream]], target: AudioStream) -> Iterator[Packet[AudioStream]]:
        """Decode and encode; the time stamps count samples from the first frame of the film."""
        encoder = target.codec_context
        shaper, shape = None, None
        for frame in self._decoded(packets):
            if shape != (frame.format.name, frame.layout.name, frame.sample_rate):  # also where it changes half-way
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                shaper = AudioResampler(
                    format=encoder.format.name if encoder.format else "fltp",
                    layout=encoder.layout,
                    rate=encoder.sample_rate,
                )
            for shaped in shaper.resample(frame) if shaper else ():
                yield from target.encode(shaped)
        for shaped in shaper.resample(None) if shaper else ():
            yield from target.encode(shaped)
        yield from target.encode(None)

    def _decoded(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[AudioFrame]:
        """Yield the sound that is not wholly before the first frame of the film, stamped from that on."""
        for packet in packets:
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._damaged += 1
                continue
            for frame in frames:
                if frame.pts is None or frame.time_base is None:
                    continue
                begin = round((frame.pts * frame.time_base - self._zero_s) * frame.sample_rate)
                if begin + frame.samples > 0:
                    frame.pts, frame.time_base = begin, Fraction(1, frame.sample_rate)
                    yield frame


def _in_order(packets: Iterator[Packet[AudioStream]], source: AudioStream) -> Iterator[Packet[AudioStream]]:
    """Repair the clock of the sound as that of the pictures is: where recordings were joined, it starts again."""
    first = next(packets, None)
    if first is None:
        return
    begin = _stamp(first) or 0
    step = round(USUAL_SAMPLES / (source.codec_context.sample_rate or 48_000) / first.time_base)
    longest = round(LONGEST_PAUSE_S / first.time_base)
    stamped = ((packet, _stamp(packet)) for packet in chain([first], packets))
    for packet, tick in steady_ticks(stamped, step, longest, repaired=lambda _: None):
        packet.pts = packet.dts = begin + tick
        yield packet


def _copied(
    packets: Iterator[Packet[AudioStream]], target: AudioStream, start_s: Fraction, lead_s: Fraction
) -> Iterator[Packet[AudioStream]]:
    """Give the packets to `target`, moved by `start_s`; those well before it are dropped."""
    for packet in packets:
        moved = (packet.pts or 0) - round(start_s / packet.time_base)
        if (moved + (packet.duration or 0)) * packet.time_base > -lead_s:
            packet.pts = packet.dts = moved
            packet.stream = target
            yield packet


def _stamp(packet: Packet[AudioStream]) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts


def _start_s(packet: Packet[AudioStream]) -> Fraction:
    return (packet.pts or 0) * packet.time_base
