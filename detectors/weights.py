"""Weights of the model zoo: where each file comes from, and how it gets into the cache whole, checked, or not at all.

OpenMMLab names a file by the first eight digits of its SHA-256. They tell a damaged or a wrong file, not a forged
one (eight digits can be forged); against that stand TLS and `checkpoint.load`, which runs nothing of a file. The
full SHA-256 of what was accepted is written beside the file, and holds from then on.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from detectors.base import DetectorError
from detectors.download import DownloadError, download, sha256

MIRROR = "MOTION_LIFT_MIRROR"  # environment variable: an address under which the zoo's files lie by name; tried first
ZOO_ADDRESS = "https://download.openmmlab.com/mmpose/v1"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weights:
    """One file of a model zoo.

    Attributes:
        name: what the weights are for, as told to the user.
        urls: addresses of the same file, tried in this order.
        sha256: the file's SHA-256 in hexadecimal, or as many leading digits of it as are known.
        instead: the setting by which a user gives another file.
        max_bytes: refuse to fetch more than this.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    instead: str
    max_bytes: int = 1 << 29

    @property
    def file(self) -> str:
        """Return the file's name, the last part of its address."""
        return self.urls[0].rsplit("/", 1)[-1]


def _zoo(name: str, *paths: str, instead: str = "--checkpoint FILE") -> Weights:
    """Return the entry of a file of OpenMMLab's zoo, whose name holds the first digits of its SHA-256."""
    digits = re.search(r"-([0-9a-f]{8})(_\d{8})?\.pth$", paths[0])
    if digits is None:
        raise ValueError(f"no digits of a SHA-256 in {paths[0]}")
    return Weights(name, tuple(f"{ZOO_ADDRESS}/{path}" for path in paths), digits[1], instead)


# As told by the model index inside the mmpose wheel, and for the boxes by MMPose's inferencer and RTMPose's page.
_COCO = "body_2d_keypoint/topdown_heatmap/coco"
_BOXES = "rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.pth"
ZOO: dict[str, Weights] = {
    "hrnet": _zoo("hrnet", f"{_COCO}/td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth"),
    "hrnet-w48": _zoo("hrnet-w48", f"{_COCO}/td-hm_hrnet-w48_8xb32-210e_coco-384x288-c161b7de_20220915.pth"),
    "rtmpose": _zoo(
        "rtmpose",
        "projects/rtmposev1/rtmpose-m_simcc-aic-coco_pt-aic-coco_420e-256x192-63eb25f7_20230126.pth",
    ),
    "rtmdet": _zoo(
        "the person boxes (RTMDet)",
        f"projects/rtmposev1/{_BOXES}",
        f"projects/rtmpose/{_BOXES}",
        instead="--box-model FILE (or `--box-model full-frame` for one person who fills the picture)",
    ),
}


def cache_folder() -> Path:
    """Return the user's folder of downloaded weights (under XDG_CACHE_HOME, or ~/.cache); it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "motion-lift" / "weights"


def fetch(weights: Weights, cache: Path | None = None, offline: bool = False, timeout_s: float = 30.0) -> Path:
    """Return the path of the checked file, downloading it into the cache when it is not there yet.

    A broken download stays as `FILE.part` and is continued by the next attempt; the file itself appears under its
    name only whole and checked. Two processes that want one file wait for each other.

    Args:
        weights: which file.
        cache: the folder to look in and to download to; None is `cache_folder()`.
        offline: never touch the network.
        timeout_s: give up on a server that sends nothing for so long.

    Raises:
        DetectorError: the file is not there and cannot be fetched, or is not what it should be; the message says
            where it comes from, where to put it, and what to give instead.
    """
    folder = cache or cache_folder()
    path = folder / weights.file
    if path.exists():
        return _accepted(path, weights)
    if offline:
        raise _absent(weights, path, "and --offline forbids fetching them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(path.name + ".lock")):
            if path.exists():  # another process was faster
                return _accepted(path, weights)
            return _download_from_any(weights, path, timeout_s)
    except OSError as problem:
        raise _absent(weights, path, f"and cannot be written there ({problem.strerror or problem})") from problem


def _download_from_any(weights: Weights, path: Path, timeout_s: float) -> Path:
    """Try every address in turn; rename what arrived whole and right into place."""
    part = path.with_name(path.name + ".part")
    mirror = os.environ.get(MIRROR)
    urls = (*((f"{mirror.rstrip('/')}/{weights.file}",) if mirror else ()), *weights.urls)
    reasons = []
    for url in urls:
        log.info("fetching %s to %s", url, path)
        try:
            digest = download(url, part, weights.sha256, weights.max_bytes, timeout_s)
        except DownloadError as problem:
            reasons.append(f"{urlsplit(url).netloc or url}: {problem}")
            continue
        _write_atomically(path.with_name(path.name + ".sha256"), f"{digest}  {path.name}\n")
        part.replace(path)
        return path
    raise _absent(weights, path, f"and cannot be fetched ({'; '.join(dict.fromkeys(reasons))})")


def _accepted(path: Path, weights: Weights) -> Path:
    """Check a file that lies in the cache, against its record or, put there by hand, against what the zoo says."""
    record = path.with_name(path.name + ".sha256")
    try:
        digest = sha256(path)
        wanted = record.read_text(encoding="ascii").split()[0].lower() if record.exists() else weights.sha256.lower()
    except (OSError, ValueError, IndexError) as problem:
        raise DetectorError(
            f"the weights {path} cannot be checked ({problem}): make them readable, or delete them and {record.name}"
        ) from problem
    if not (digest.startswith(wanted) and digest.startswith(weights.sha256.lower())):
        raise DetectorError(
            f"the weights {path} are damaged or another file (their SHA-256 begins with {digest[:8]}, not with "
            f"{wanted[:8]}): delete them and run again, or give {weights.instead}"
        )
    if not record.exists():
        with suppress(OSError):  # a read-only cache folder: the file is checked against the zoo's digits each time
            _write_atomically(record, f"{digest}  {path.name}\n")
    return path


def _absent(weights: Weights, path: Path, why: str) -> DetectorError:
    """Return the one line about weights that cannot be had."""
    return DetectorError(
        f"the weights of {weights.name} are not here {why}: download {weights.urls[0]} and put that file at {path}, "
        f"or give {weights.instead}"
    )


def _write_atomically(path: Path, text: str) -> None:
    """Write a small file under a name of its own, then rename it into place."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="ascii")
    temporary.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that other processes wait for; the system gives it up when this process dies."""
    try:
        import fcntl
    except ImportError:  # Windows: two downloads at once may spoil each other, which the SHA-256 then tells
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
