"""Video in and out: the one door to the `video_*` files. It loads FFmpeg (PyAV), so import it late.

    clip = probe("dance.mov")
    reader = VideoReader(clip)
    seconds = [t for t, _ in reader]
    with VideoWriter("out.mp4", size, seconds, fps=clip.fps, time_base=clip.time_base, audio_from=clip.path) as film:
        for _, frame in reader:
            film.write(draw(frame))

`video_decode` opens files and decodes, `video_times` repairs time stamps, `video_probe` and `video_read` are the
way in, `video_audio` and `video_write` the way out.
"""

from __future__ import annotations

from pipeline.video_probe import Clip, probe
from pipeline.video_read import VideoReader, read_frames
from pipeline.video_write import VideoWriter

__all__ = ["Clip", "VideoReader", "VideoWriter", "probe", "read_frames"]
