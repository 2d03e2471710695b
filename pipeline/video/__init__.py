"""Video in and out: the one door to the files of this folder. It loads FFmpeg (PyAV), so import it late.

    clip = probe("dance.mov")
    reader = VideoReader(clip)
    seconds = [t for t, _ in reader]
    with VideoWriter("out.mp4", size, seconds, fps=clip.fps, time_base=clip.time_base, audio_from=clip.path) as film:
        for _, frame in reader:
            film.write(draw(frame))

`decode` opens files and decodes, `times` repairs time stamps, `clip` and `read` are the way in, `audio` and `write` the
way out.
"""

from __future__ import annotations

from pipeline.video.clip import Clip, probe
from pipeline.video.read import VideoReader, read_frames
from pipeline.video.write import VideoWriter

__all__ = ["Clip", "VideoReader", "VideoWriter", "probe", "read_frames"]
