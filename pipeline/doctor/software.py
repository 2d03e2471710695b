"""What is installed: packages and extras, the weights (by their SHA-256), and the detectors that load."""

from __future__ import annotations

import base64
import hashlib
import importlib
import re
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.doctor.check import BROKEN, LOW, NONE, OK, Check, Look

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "motion-lift"
# What each extra is for, and what `make setup` installs beside it without its own list.
EXTRAS = {
    "lab": "python -m lifter train", "mmpose": "detectors hrnet, rtmpose, cpn", "export": "glTF and C3D",
    "rerun": "recordings for the rerun viewer", "ray": "batch --ray", "dev": "the tests",
}  # fmt: skip
BESIDE = {"mmpose": " && pip install --no-deps mmpose==1.3.2"}
# What the factories of the detectors import, and whether `run` by itself needs it.
DETECTORS = {
    "mediapipe": (("mediapipe.python.solutions.pose",), True),
    "hrnet": ((), False),
    "onnx": ((), False),
}
COVERED = {"hrnet": "hrnet, hrnet-w48, rtmpose, cpn"}


def looks() -> dict[str, Look]:
    """Return what can be looked at, by name."""
    return {
        "packages": packages, "lifter weights": lifter_weights, "mediapipe's weights": embedded_weights,
        "downloaded weights": zoo_weights, **{f"detector {name}": partial(detector, name) for name in DETECTORS},
    }  # fmt: skip


def packages() -> list[Check]:
    """Compare what is installed with what the package asks for, and each extra likewise."""
    from packaging.requirements import Requirement

    try:
        about = metadata.metadata(DISTRIBUTION)
        wanted = [Requirement(line) for line in metadata.requires(DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        return [Check("packages", LOW, f"{DISTRIBUTION} itself is not installed", "pip install -e .")]
    core = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    missing, other = _lacking(core)
    state = BROKEN if missing else LOW if other else OK
    told = "; ".join([*(f"{name} is missing" for name in missing), *other]) or f"{len(core)} as asked for"
    checks = [Check("packages", state, told, "" if state == OK else "pip install -e .")]
    for extra in about.get_all("Provides-Extra") or ():
        own = [one for one in wanted if one not in core and one.marker and one.marker.evaluate({"extra": extra})]
        missing, other = _lacking(own)
        what = f" ({EXTRAS[extra]})" if extra in EXTRAS else ""
        absent = "; ".join([*([f"missing: {', '.join(missing)}"] if missing else []), *other])
        remedy = f"pip install -e '.[{extra}]'{BESIDE.get(extra, '')}" if absent else ""
        checks.append(Check(f"extra {extra}", NONE if absent else OK, (absent or "all there") + what, remedy))
    return checks


def lifter_weights() -> Check:
    """Load the shipped lifter, and compare its SHA-256 with the one that its card tells."""
    from lifter import weights
    from lifter.errors import LifterError

    remedy = "restore lifter/weights from the repository"
    try:
        file = weights.find("ugcn")
        weights.load(file)
        card = file.with_suffix(".md").read_text(encoding="utf-8")
    except (LifterError, OSError) as error:
        return Check("lifter weights", BROKEN, " ".join(str(error).split()), remedy)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest not in card:
        return Check("lifter weights", BROKEN, f"{file.name}: SHA-256 {digest[:12]}... is not its card's", remedy)
    return Check("lifter weights", OK, f"{file.name}, SHA-256 {digest[:12]}... as its card says")


def embedded_weights() -> Check:
    """Compare MediaPipe's networks with the SHA-256 that its wheel noted when it was installed."""
    try:
        files = metadata.files("mediapipe") or []
    except metadata.PackageNotFoundError:
        return Check("mediapipe's weights", BROKEN, "mediapipe is not installed", _install("mediapipe"))
    pose = [file for file in files if "/modules/pose" in str(file) and file.suffix == ".tflite"]
    bad = []
    for file in pose:
        path = Path(str(file.locate()))
        noted = file.hash.value if file.hash else ""
        if not path.is_file() or (noted and _record_digest(path) != noted):
            bad.append(path.name)
    if bad or not pose:
        told = f"damaged or missing: {', '.join(bad)}" if bad else "its pose networks are missing"
        return Check("mediapipe's weights", BROKEN, told, f"{_install('mediapipe')} --force-reinstall")
    return Check("mediapipe's weights", OK, f"{len(pose)} networks, SHA-256 as its wheel says")


def zoo_weights() -> Check:
    """Compare the model zoo's files that were downloaded with the digits of their SHA-256 that are known."""
    from detectors.weights import ZOO, cache_folder

    folder = cache_folder()
    there = {entry.file: entry for entry in ZOO.values() if (folder / entry.file).is_file()}
    bad = [name for name, entry in there.items() if not _digest(folder / name).startswith(entry.sha256)]
    if bad:
        return Check("downloaded weights", LOW, f"damaged: {', '.join(bad)}", f"remove them from {folder}")
    if not there:
        return Check(
            "downloaded weights", NONE, f"none in {folder}", "detectors of the zoo download theirs when first used"
        )
    return Check("downloaded weights", OK, f"{', '.join(there)} in {folder}, verified")


def detector(name: str) -> Check:
    """Check that a detector's packages are there and load; its weights and files are told when it is used."""
    from detectors import quiet, registry
    from detectors.base import DetectorError

    modules, needed = DETECTORS[name]
    what, bad = f"detector {COVERED.get(name, name)}", BROKEN if needed else NONE
    (entry,) = [entry for entry in registry.available() if entry.name == name]
    if entry.missing:
        return Check(what, bad, f"not installed: {', '.join(entry.missing)}", _install(name))
    try:
        for module in modules:
            importlib.import_module(module)
        if name == "onnx":
            quiet.import_onnxruntime()
            quiet.import_openvino()
        if name == "hrnet":
            importlib.import_module("detectors.mm_compat").prepare()
    except (DetectorError, ImportError, OSError, RuntimeError, AttributeError) as error:
        return Check(what, bad, " ".join(str(error).split()), f"reinstall: {_install(name)}")
    return Check(what, OK, "loads")


def _lacking(wanted: list[Requirement]) -> tuple[list[str], list[str]]:
    """Return which distributions are missing, and which are there in another version, in words."""
    missing, other = [], []
    for one in wanted:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            missing.append(one.name)
            continue
        if not one.specifier.contains(version, prereleases=True):
            other.append(f"{one.name} {version} where {one.specifier} is asked for")
    return missing, other


def _install(name: str) -> str:
    """Return the command that installs what a detector needs: the first of the registry's words."""
    from detectors import registry

    return re.split("; ", registry.DETECTORS[name].needs)[0]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record_digest(path: Path) -> str:
    """Return the SHA-256 as a wheel's RECORD writes it."""
    return base64.urlsafe_b64encode(bytes.fromhex(_digest(path))).rstrip(b"=").decode()
