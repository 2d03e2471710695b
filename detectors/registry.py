"""Which detectors there are: a name, where its factory lies, what it needs. Looked up late: listing imports nothing.

A new detector is a line in `DETECTORS`, or, in somebody else's package, an entry point of the group
`motion_lift.detectors`: a callable that takes `DetectorOptions` and returns an object as `base.Detector` says.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.base import DetectorError, DetectorOptions

if TYPE_CHECKING:
    from detectors.checked import Checked

ENTRY_POINTS = "motion_lift.detectors"


@dataclass(frozen=True)
class Entry:
    """A line of the registry.

    Attributes:
        factory: "module:function"; the function takes `DetectorOptions`.
        summary: one sentence for people.
        needs: what must be there beside the core packages, for people; "" where nothing.
        packages: distributions whose versions influence its numbers; all must be installed.
    """

    factory: str
    summary: str
    needs: str
    packages: tuple[str, ...] = ()


_MMPOSE = ("mmpose", "mmdet", "mmengine", "torch", "opencv-python")
_MM_INSTALL = "pip install -e '.[mmpose]' && pip install --no-deps mmpose==1.3.2"
_MM_NEEDS = f"{_MM_INSTALL}; weights from the model zoo, or --checkpoint"
_CPN_NEEDS = f"{_MM_INSTALL}; --checkpoint FILE, of `python -m detectors.cpn.convert`"
DETECTORS: dict[str, Entry] = {
    "mediapipe": Entry(
        "detectors.mediapipe:create",
        "One person, 33 landmarks, the network inside the package.",
        "pip install --no-deps mediapipe==0.10.21; no download",
        ("mediapipe",),
    ),
    "hrnet": Entry(
        "detectors.mmpose:create_hrnet",
        "Several people, COCO-17, HRNet-W32 256x192 (COCO AP 0.746).",
        _MM_NEEDS,
        _MMPOSE,
    ),
    "hrnet-w48": Entry(
        "detectors.mmpose:create_hrnet_w48",
        "Several people, COCO-17, HRNet-W48 384x288 (COCO AP 0.767).",
        _MM_NEEDS,
        _MMPOSE,
    ),
    "rtmpose": Entry(
        "detectors.mmpose:create_rtmpose",
        "Several people, COCO-17, RTMPose-m 256x192 (COCO AP 0.746).",
        _MM_NEEDS,
        _MMPOSE,
    ),
    "cpn": Entry(
        "detectors.cpn.detector:create_cpn",
        "Several people, COCO-17, CPN with ResNet-50 256x192 (COCO AP 0.692).",
        _CPN_NEEDS,
        _MMPOSE,
    ),
    "cpn-384": Entry(
        "detectors.cpn.detector:create_cpn_384",
        "Several people, COCO-17, CPN with ResNet-50 384x288 (COCO AP 0.722).",
        _CPN_NEEDS,
        _MMPOSE,
    ),
    "onnx": Entry(
        "detectors.onnx:create",
        "Several people, any top-down model in an ONNX or OpenVINO file.",
        "pip install onnxruntime openvino; --pose-model FILE, and --box-model FILE for several people",
        ("onnxruntime", "openvino", "opencv-python"),
    ),
    "file": Entry(
        "detectors.file:create",
        "Key points made elsewhere: VideoPose3D, OpenPose, MMPose, or our own pose2d.npz.",
        "--keypoints PATH",
    ),
    "scripted": Entry("detectors.scripted:create", "A computed walker, for tests; sees nothing.", ""),
}


@dataclass(frozen=True)
class Available:
    """A detector as `available` lists it.

    Attributes:
        name: what `create` takes.
        summary: one sentence.
        needs: what must be there.
        source: "built in", or the distribution and version that brings it.
        missing: distributions that are not installed.
    """

    name: str
    summary: str
    needs: str
    source: str
    missing: tuple[str, ...]


def create(name: str, options: DetectorOptions) -> Checked:
    """Make the detector of a name; what it yields is checked, frame by frame.

    Raises:
        DetectorError: no such name, a package or a file that is missing, a detector that breaks the protocol.
    """
    from detectors.checked import Checked

    if name in DETECTORS:
        return Checked(name, _create_ours(name, options))
    for point in _entry_points():
        if point.name == name:
            return Checked(name, _create_foreign(point, options), foreign=True)
    raise _unknown(name)


def available() -> list[Available]:
    """List all detectors, ours first; imports none of them."""
    ours = [
        Available(name, entry.summary, entry.needs, "built in", tuple(p for p in entry.packages if _version(p) is None))
        for name, entry in DETECTORS.items()
    ]
    foreign = [
        Available(point.name, f"From another package: {point.value}.", "", _source(point), ())
        for point in _entry_points()
    ]
    return ours + foreign


def identity(name: str) -> dict[str, str]:
    """Return what a detector's numbers depend on beside its options: its name, zoo files, versions of distributions.

    Raises:
        DetectorError: no such name.
    """
    if name in DETECTORS:
        from detectors.weights import ZOO

        # The names of the zoo's files hold digits of their SHA-256; files given instead count by the options.
        zoo = {"weights": ZOO[name].file} if name in ZOO else {}
        zoo |= {"boxes": ZOO["rtmdet"].file} if DETECTORS[name].packages == _MMPOSE else {}
        runtimes = ("openvino", "onnxruntime") if DETECTORS[name].packages == _MMPOSE else ()  # see --backend
        versions = {package: _version(package) or "none" for package in (*DETECTORS[name].packages, *runtimes)}
        return {"detector": name, **zoo, **versions}
    for point in _entry_points():
        if point.name == name:
            return {"detector": name, "factory": point.value, "source": _source(point)}
    raise _unknown(name)


def companions(options: DetectorOptions) -> list[Path]:
    """Return the files beside those that the options name which influence the numbers too: weights, settings.

    Raises:
        DetectorError: a model file that is no ONNX model.
    """
    from detectors.onnx_external import external_files

    found = []
    for model in (options.pose_model, options.box_model):
        if model is None or not model.is_file():
            continue
        beside = [model.with_suffix(".toml"), *([model.with_suffix(".bin")] if model.suffix.lower() == ".xml" else [])]
        if model.suffix.lower() == ".onnx":
            beside += [model.parent / name for name in external_files(model)]
        found += [file for file in beside if file.is_file()]
    return found


def _create_ours(name: str, options: DetectorOptions) -> Any:
    """Import one of our factories and call it."""
    entry = DETECTORS[name]
    try:
        return _locate(entry.factory)(options)
    except ImportError as error:
        missing = f"package {error.name!r} is missing" if error.name else "a package of it does not load"
        raise DetectorError(f"detector {name}: {missing} ({_one_line(error)}); needs: {entry.needs}") from error


def _create_foreign(point: importlib.metadata.EntryPoint, options: DetectorOptions) -> Any:
    """Import somebody's factory and call it."""
    try:
        return point.load()(options)
    except Exception as error:  # a stranger's code raises what it likes: cv2.error derives from nothing narrower
        problem = f"{type(error).__name__}: {_one_line(error)}"
        raise DetectorError(f"detector {point.name}, of {_source(point)}, cannot be made: {problem}") from error


def _locate(factory: str) -> Callable[[DetectorOptions], Any]:
    """Return the function at "module:function"."""
    module, _, function = factory.partition(":")
    found: Callable[[DetectorOptions], Any] = getattr(importlib.import_module(module), function)
    return found


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    """Return the strangers, by name; a name of ours stays ours."""
    points = {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    return [points[name] for name in sorted(points) if name not in DETECTORS]


def _source(point: importlib.metadata.EntryPoint) -> str:
    """Return the distribution that brings an entry point, with its version."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed package"


def _version(package: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _unknown(name: str) -> DetectorError:
    """Say which names there are, and which one may be meant."""
    names = [*DETECTORS, *(point.name for point in _entry_points())]
    near = difflib.get_close_matches(name.lower(), names, 1, 0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return DetectorError(f"no detector {name!r}; {hint}there are: {', '.join(names)}")


def _one_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
