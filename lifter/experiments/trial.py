"""One training and its score by a plan: kept in a folder named by what made it, gone on with where it was stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifter.errors import LifterError
from lifter.experiments.files import write_text

if TYPE_CHECKING:
    from lifter.scores import Scores

Result = dict[str, Any]
FORMAT = "motion-lift/trial/2"
RESULT = "lifter.safetensors"
BROKEN_DOWN = ("MPJPE", "P-MPJPE", "MPJVE")


@dataclass(frozen=True)
class Protocol:
    """What all trials of a plan share.

    Attributes:
        config: the MMEngine config they start from.
        data: a prepared data set.
        epochs: of each training; 0 keeps the config's.
        options: dotted config names to values, for all.
        split: what is scored.
        every: score every n-th sequence of the split (1: all).
        step: frames between windows when lifting.
        device: auto, cpu or cuda.
        threads: of each process.
    """

    config: Path
    data: Path
    epochs: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str = "test"
    every: int = 1
    step: int = 5
    device: str = "auto"
    threads: int = 1

    @property
    def scored(self) -> tuple[str, int]:
        """The split, and every which of its sequences."""
        return self.split, self.every


@dataclass(frozen=True)
class Trial:
    """One training and its evaluation.

    Attributes:
        label: what it is called in the log; not part of what makes it.
        options: (dotted config name, value) pairs, on top of the protocol's; they win.
        keypoints: 2D source trained and tested on.
        seed: of everything random.
        refine: also train the refine module on the finished lifter, and score with it; no part of what makes the
            lifter, so that the trial without it is the same training in the same folder.
    """

    label: str
    options: tuple[tuple[str, Any], ...] = ()
    keypoints: str = "gt"
    seed: int = 0
    refine: bool = False

    def __hash__(self) -> int:
        """Options may hold lists and tables, which have no hash."""
        return hash((self.label, self.keypoints, self.seed))


def finished(place: Path, protocol: Protocol, refine: bool = False) -> Result | None:
    """The result of a trial by this way of scoring, if it is there and whole: with `refine`, refined too."""
    with contextlib.suppress(OSError, ValueError):
        result: Result = json.loads(result_file(place, protocol).read_text(encoding="utf-8"))
        if result.get("format") == FORMAT and (not refine or "refined" in result):
            return result
    return None


def result_file(place: Path, protocol: Protocol) -> Path:
    """Where the result by this way of scoring stands."""
    return place / f"result_{protocol.split}_every{protocol.every}_step{protocol.step}.json"


def fingerprint(trial: Trial, protocol: Protocol) -> str:
    """Name a trial by all that decides its weights: resolved config, data, 2D source, seed."""
    from lifter.training.run import fingerprint as settings

    config = resolved(trial, protocol)
    config.train_dataloader.dataset.folder = ""  # what counts is what lies there
    made = {
        "config": settings(config),
        "data": [_digest(protocol.data / name) for name in ("poses.npz", f"keypoints_{trial.keypoints}.npz")],
    }
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]


def resolved(trial: Trial, protocol: Protocol) -> Any:
    """The trial's MMEngine config.

    Raises:
        LifterError: the config or an option is wrong.
    """
    from lifter.training.overrides import drop_validation, merge, stretch
    from lifter.training.run import read_config

    config = read_config(protocol.config)
    data = {"folder": str(protocol.data), "keypoints": trial.keypoints}
    own = dict(trial.options)
    merge(config, {**{f"train_dataloader.dataset.{name}": value for name, value in data.items()}, **protocol.options})
    if "model.network.type" in own:  # another network: fields of the config's do not fit it
        config.model.network = {}
    merge(config, {**own, "randomness.seed": trial.seed})
    drop_validation(config)  # the last weights are scored, whatever happened on the way
    if protocol.epochs:
        stretch(config, protocol.epochs)
    return config


def run_trial(trial: Trial, protocol: Protocol, place: Path) -> Result:
    """Train and score, and write the result; what of it is there already is not done again."""
    import torch

    from lifter.datasets.poseset import read_poseset
    from lifter.evaluate import evaluate
    from lifter.experiments.refined import kept_refine
    from lifter.experiments.thinning import thinned
    from lifter.lifter import Lifter
    from lifter.refine import LABEL

    torch.set_num_threads(max(protocol.threads, 1))
    seconds = _trained(trial, protocol, place)
    lifter = Lifter(place / RESULT, protocol.device, step=protocol.step)
    whole = read_poseset(protocol.data, trial.keypoints)
    scored = thinned(whole, *protocol.scored)
    result = finished(place, protocol)
    if result is None:
        scores = evaluate(lifter, scored, protocol.split)
        result = {
            "format": FORMAT,
            "trial": {"label": trial.label, "options": dict(trial.options), "keypoints": trial.keypoints,
                      "seed": trial.seed},
            **_averages(scores),
            "frames": scores.scored_frames,
            "parameters": sum(parameter.numel() for parameter in lifter.model.parameters()),
            "training_cpu_seconds": seconds,
        }  # fmt: skip
        _write(result, place, protocol)
    if trial.refine and "refined" not in result:
        module = kept_refine(place, lifter, whole.split("train"), trial.seed)
        result["refined"] = {"label": LABEL, **_averages(evaluate(lifter, scored, protocol.split, refine=module))}
        _write(result, place, protocol)
    return result


def _averages(scores: Scores) -> Result:
    return {
        "scores": {name: scores.frame_mean(name) for name in scores.measures},
        "action_mean": {name: scores.action_mean(name) for name in scores.measures},
        "by_action": {name: scores.by("action", name) for name in BROKEN_DOWN},
        "by_group": {name: scores.by("group", name) for name in BROKEN_DOWN},
    }


def _write(result: Result, place: Path, protocol: Protocol) -> None:
    write_text(result_file(place, protocol), json.dumps(result, indent=1, default=str))


def _trained(trial: Trial, protocol: Protocol, place: Path) -> float:
    """Train unless that is done; return the processor seconds of all its sittings (a killed one tells nothing)."""
    from lifter.training.run import STATE, train

    told = place / "training.json"
    done, before = False, 0.0
    with contextlib.suppress(OSError, ValueError, KeyError):
        kept = json.loads(told.read_text(encoding="utf-8"))
        done, before = bool(kept["done"]), float(kept["cpu_seconds"])
    if done:
        return before
    began = time.process_time()
    try:
        train(resolved(trial, protocol), place, lambda _: None, protocol.device)
        done = True
    finally:
        seconds = before + time.process_time() - began
        if place.is_dir():
            write_text(told, json.dumps({"done": done, "cpu_seconds": seconds}))
    (place / STATE).unlink(missing_ok=True)  # the weights stay; there is nothing to go on with
    return seconds


def _digest(path: Path) -> str:
    try:
        state = path.stat()
        return _hash(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise LifterError(f"{path}: cannot be read; prepare the data set first") from error


@lru_cache(maxsize=64)
def _hash(path: Path, size: int, modified_ns: int) -> str:
    """Hash a file once as long as it stays the same."""
    del size, modified_ns
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
