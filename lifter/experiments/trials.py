"""Many trainings by one plan: none done twice, several at a time."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from lifter.errors import LifterError
from lifter.experiments.trial import BROKEN_DOWN, Protocol, Result, Trial, fingerprint, finished, run_trial

Say = Callable[[str], None]


def seeded(trials: Sequence[Trial], seeds: int) -> list[Trial]:
    """Every trial with seeds 0, 1, ...: all of seed 0 first, so that an early stop leaves a whole table."""
    return [replace(trial, seed=seed) for seed in range(seeds) for trial in trials]


def run_all(trials: Sequence[Trial], protocol: Protocol, folder: Path, say: Say, jobs: int = 1) -> dict[Trial, Result]:
    """Run what is not yet there; return the results of all trials.

    Trials that differ by their label only are one, and so are a trial with and without the refine module. One that was
    stopped goes on where it was; one that was trained and is asked for by another way of scoring is scored only.

    Raises:
        LifterError: a trial that cannot be run; what is done is kept.
    """
    places = {trial: folder / "trials" / fingerprint(trial, protocol) for trial in trials}
    wanted: dict[Path, Trial] = {}
    for trial, place in places.items():
        if place not in wanted or trial.refine:  # of those that share a folder, one that wants all
            wanted[place] = trial
    results = {place: done for place, trial in wanted.items() if (done := finished(place, protocol, trial.refine))}
    waiting = [(place, trial) for place, trial in wanted.items() if place not in results]
    say(f"{len(wanted)} trials, {len(results)} done, {len(waiting)} to do")
    began = time.perf_counter()
    for number, (place, result) in enumerate(_executed(waiting, protocol, jobs), 1):
        results[place] = result
        left = (time.perf_counter() - began) / number * (len(waiting) - number) / 60
        say(f"{number}/{len(waiting)} {_told(wanted[place], result)}; {left:.0f} min left")
    return {trial: results[place] for trial, place in places.items()}


def known(trials: Sequence[Trial], protocol: Protocol, folder: Path) -> dict[Trial, Result]:
    """The results that are there already."""
    found = {
        trial: finished(folder / "trials" / fingerprint(trial, protocol), protocol, trial.refine) for trial in trials
    }
    return {trial: result for trial, result in found.items() if result is not None}


def floor(protocol: Protocol, keypoints: str = "gt") -> dict[str, float]:
    """The errors of a constant, the mean pose of the train split: what nobody may be worse than.

    The constant sees no keypoints, but a set may have no other source than the ones trained on.
    """
    from lifter.datasets.poseset import read_poseset
    from lifter.evaluate import MeanPose, evaluate
    from lifter.experiments.thinning import thinned

    whole = read_poseset(protocol.data, keypoints)
    scores = evaluate(MeanPose(whole.poses), thinned(whole, *protocol.scored), protocol.split)
    return {name: scores.frame_mean(name) for name in scores.measures}


def _told(trial: Trial, result: Result) -> str:
    """A line of what a trial gave; refined numbers never without what they know."""
    lines = [("", result["scores"])]
    if trial.refine:
        lines.append((f", refined ({result['refined']['label']}): ", result["refined"]["scores"]))
    said = (before + ", ".join(f"{name} {scores[name]:.1f}" for name in BROKEN_DOWN) for before, scores in lines)
    return f"{trial.label}, seed {trial.seed}: {''.join(said)} mm"


def _executed(waiting: list[tuple[Path, Trial]], protocol: Protocol, jobs: int) -> Iterator[tuple[Path, Result]]:
    """Run trials, here or in processes of their own; yield each as it ends."""
    if jobs <= 1 or len(waiting) <= 1:
        for place, trial in waiting:
            yield place, run_trial(trial, protocol, place)
        return
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        futures = {pool.submit(run_trial, trial, protocol, place): place for place, trial in waiting}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise LifterError("a training's process was killed (too little memory?); take fewer --jobs") from error
        except BaseException:
            # At once, not after the trainings that run: they go on from their states next time.
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
