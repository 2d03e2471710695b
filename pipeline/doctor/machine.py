"""What the machine has: processors, memory, a graphics card, FFmpeg's codecs, and room where runs are written."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

from pipeline.doctor.check import BROKEN, LOW, NONE, OK, Check, Look

_DECODERS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "prores", "mjpeg")
_ENCODERS = ("libx264", "libvpx-vp9", "gif", "png", "aac")
_ROOM_GB, _LEAST_GB = 2.0, 0.05
_MEMORY_GB = 2.0  # a run of a full-HD film takes about one
_SIZE = (640, 360)
_ELSEWHERE = "free some space, or choose --output elsewhere"


def looks(output: Path) -> dict[str, Look]:
    """Return what can be looked at, by name; nothing that it writes stays."""
    return {
        "processors": processors, "memory": memory, "GPU": gpu, "FFmpeg": codecs,
        "hardware encoders": hardware_encoders, "disk": partial(disk, output), "writable": partial(writable, output),
    }  # fmt: skip


def processors() -> Check:
    """Count the processors that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("processors", OK, f"{usable} usable of {os.cpu_count()}")


def memory() -> Check:
    """Look at the memory that is free, of the machine and of the group of processes this one belongs to."""
    page = os.sysconf("SC_PAGE_SIZE") / 1e9
    total, free = os.sysconf("SC_PHYS_PAGES") * page, _free_gb() or os.sysconf("SC_AVPHYS_PAGES") * page
    limit = _number(Path("/sys/fs/cgroup/memory.max"))
    if limit is not None and limit / 1e9 < total:
        total = limit / 1e9
        free = min(free, total - (_number(Path("/sys/fs/cgroup/memory.current")) or 0.0) / 1e9)
    few = free < _MEMORY_GB
    remedy = "close other programs; cut long films (--start, --end); batch --jobs 1" if few else ""
    return Check("memory", LOW if few else OK, f"{free:.1f} GB free of {total:.1f} GB", remedy)


def gpu() -> Check:
    """Look for a graphics card that PyTorch can use."""
    import torch

    if not torch.cuda.is_available():
        return Check("GPU", NONE, "PyTorch finds none", "the CPU is used")
    count, about = torch.cuda.device_count(), torch.cuda.get_device_properties(0)
    more = f", and {count - 1} more" if count > 1 else ""
    return Check("GPU", OK, f"{about.name}, {about.total_memory / 1e9:.0f} GB, CUDA {torch.version.cuda}{more}")


def codecs() -> list[Check]:
    """Look at what FFmpeg, inside the package av, can read and write."""
    import av

    from pipeline.video.encoders import ENCODERS, works

    version = ".".join(str(part) for part in av.library_versions["libavcodec"])
    checks = [Check("FFmpeg", OK, f"libavcodec {version}, av {av.__version__}")]
    for what, names in (("decoders", _DECODERS), ("encoders", _ENCODERS)):
        absent = [name for name in names if name not in av.codecs_available]
        there = ", ".join(name for name in names if name not in absent)
        remedy = f"without {', '.join(absent)}: reinstall the av wheel for them" if absent else ""
        checks.append(Check(what, LOW if absent else OK, there, remedy))
    good = works(ENCODERS["x264"], _SIZE)
    told = ("libx264 opens", "") if good else ("libx264 does not open", "reinstall the av wheel: pip install av")
    return [*checks, Check("H.264 encoder", OK if good else BROKEN, *told)]


def hardware_encoders() -> Check:
    """Open every encoder of a graphics card; those that open work."""
    from pipeline.video.encoders import ENCODERS, X264, works

    at_work = [name for name in ENCODERS if name != X264 and works(ENCODERS[name], _SIZE)]
    if at_work:
        return Check("hardware encoders", OK, f"{', '.join(at_work)} (--codec auto takes the first)")
    return Check("hardware encoders", NONE, "none works here", "x264 is used")


def disk(output: Path) -> Check:
    """Look at the room on the disk that runs will be written to."""
    free = shutil.disk_usage(_there(output)).free / 1e9
    state = BROKEN if free < _LEAST_GB else LOW if free < _ROOM_GB else OK
    return Check("disk", state, f"{free:.1f} GB free for {output}", "" if state == OK else _ELSEWHERE)


def writable(output: Path) -> Check:
    """Write a file where runs will be written to, or in the folder in which theirs will be made; it does not stay."""
    place = _there(output)
    try:
        if output.exists() and not output.is_dir():
            raise NotADirectoryError(20, "it is a file")
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"doctor")
    except OSError as error:
        return Check("writable", BROKEN, f"{output}: {error.strerror or error}", "choose --output elsewhere")
    return Check("writable", OK, str(output) if place == output else f"{output}, to be made in {place}")


def _there(path: Path) -> Path:
    """Return the folder itself, or the nearest above it that is there."""
    return next((place for place in (path, *path.absolute().parents) if place.is_dir()), Path.cwd())


def _free_gb() -> float | None:
    """Return what Linux says could be had without swapping; None elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) / 1e6 for line in lines if line.startswith("MemAvailable:")), None)


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such group, or no limit
        return None
