"""Many films on many machines: a Ray cluster does each once, and again elsewhere where a worker or a machine is lost.

Every machine has this package installed and sees films and results under the same paths. What a lost worker had
finished of a film is found in the film's folder and kept.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from pipeline.batch.films import Film
from pipeline.batch.job import FAILED, Outcome, do
from pipeline.batch.workers import ATTEMPTS
from pipeline.errors import PipelineError
from pipeline.settings import RunSettings

_AHEAD = 2  # so many films a free place are handed to the cluster: it need not wait for us


def work(
    films: Sequence[Film], settings: RunSettings, start: str | None, jobs: int | None, threads: int, address: str
) -> Generator[Outcome | str, None, None]:
    """Do the films on a cluster, `threads` processors each; yield the outcomes as they come.

    With `--device cuda` a film takes a GPU as well. When the iteration ends early, what runs is cancelled, and what
    was finished is kept.

    Args:
        films, settings, start: what to do.
        jobs: films at once at the most; None lets the cluster decide.
        threads: processors a film.
        address: HOST:PORT of the cluster's head; auto, the cluster of this machine; local, one for this batch alone.

    Raises:
        PipelineError: Ray is not installed, there is no such cluster, or nowhere in it is there room for one film.
    """
    ray = _connect(address)
    try:
        gpus = int(settings.device == "cuda")
        _check_room(ray, threads, gpus)
        remote = ray.remote(_do_there).options(num_cpus=threads, num_gpus=gpus, max_retries=ATTEMPTS - 1)
        common = ray.put((str(Path.cwd()), settings, start))
        yield from _each(ray, lambda film: remote.remote(film, common), films, jobs, threads)
    finally:
        ray.shutdown()


def _do_there(film: Film, common: tuple[str, RunSettings, str | None]) -> Outcome:
    """Do a film in a worker of the cluster, in the folder that its name and the settings' are given from."""
    folder, settings, start = common
    os.chdir(folder)
    return do(film, settings, start)


def _each(
    ray: Any, begin: Callable[[Film], Any], films: Sequence[Film], jobs: int | None, threads: int
) -> Generator[Outcome | str, None, None]:
    """Hand over films as places come free, and yield what comes back."""
    waiting = deque(films)
    running: dict[Any, Film] = {}
    try:
        while waiting or running:
            # Asked again every time: machines come and go.
            places = jobs or _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)) // threads)
            while waiting and len(running) < places:
                film = waiting.popleft()
                running[begin(film)] = film
            ready, _ = ray.wait(list(running), num_returns=1)
            for reference in ready:
                yield _result(ray, reference, running.pop(reference))
    finally:
        for reference in running:
            ray.cancel(reference)


def _result(ray: Any, reference: Any, film: Film) -> Outcome:
    """Return what became of a film, whatever became of its worker."""
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        words = (str(error.cause).splitlines() or [""])[0]
        why = f"{film.path}: {type(error.cause).__name__}: {words}: a bug of ours; please report it"
    except ray.exceptions.RayError as error:
        words = " ".join(str(error).split())[:300]
        why = f"{film.path}: its worker was lost {ATTEMPTS} times ({type(error).__name__}: {words})"
    else:
        return outcome
    return Outcome(FAILED, str(film.path), str(film.folder), error=why)


def _connect(address: str) -> Any:
    """Return Ray, connected.

    Raises:
        PipelineError: it is not installed, or finds no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would call home
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise PipelineError("--ray: Ray is not installed here; pip install 'motion-lift[ray]', or --jobs") from error
    where = {"include_dashboard": False} if address == "local" else {"address": address}
    try:
        ray.init(**where, configure_logging=False, log_to_driver=False)
    except (ConnectionError, TimeoutError, RuntimeError, ValueError, AssertionError) as error:
        words = " ".join(str(error).split())[:200]
        raise PipelineError(f"--ray {address}: no cluster answers ({words}); `ray start --head` starts one") from error
    return ray


def _check_room(ray: Any, threads: int, gpus: int) -> None:
    """Refuse what would wait for ever.

    Raises:
        PipelineError: no machine of the cluster has what one film takes.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(has.get("CPU", 0) >= threads and has.get("GPU", 0) >= gpus for has in machines):
        wanted = f"{threads} processors{' and a GPU' if gpus else ''}"
        raise PipelineError(f"--ray: no machine of the cluster has {wanted} for a film; fewer --threads, or --device")
