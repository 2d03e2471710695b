"""Many films on one machine: processes that do one film after the other, and are replaced when one dies."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from pipeline.batch.films import Film
from pipeline.batch.job import FAILED, Outcome, do

if TYPE_CHECKING:  # it loads numpy, for which it is too early
    from pipeline.settings import RunSettings

ATTEMPTS = 2  # a film whose process was killed is tried once more: memory may have been short for a moment
_PATIENCE_S = 20.0  # for a process that was asked to end


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work(
    films: Sequence[Film], settings: RunSettings, start: str | None, jobs: int, threads: int
) -> Generator[Outcome | str, None, None]:
    """Do the films in `jobs` processes of `threads` threads each; yield the outcomes as they come.

    Lines that come between tell now and then how far a film is. A film whose process dies is tried again by another
    process, `ATTEMPTS` times in all. When the iteration ends early, the processes are ended and what they had finished
    is kept.
    """
    waiting = deque((film, 1) for film in films)
    crew: list[_Worker] = []
    try:
        while waiting or any(worker.film for worker in crew):
            while waiting and (free := _free_of(crew, jobs, threads)):
                free.begin(*waiting.popleft(), settings, start)
            busy = [worker for worker in crew if worker.film]
            connection.wait([worker.pipe for worker in busy])
            for worker in [worker for worker in busy if worker.pipe.poll()]:
                said = worker.hear()
                if not worker.alive:
                    crew.remove(worker)
                if said is None:
                    waiting.appendleft((worker.given, worker.attempt + 1))
                else:
                    yield said
    finally:
        for worker in crew:
            worker.ask_to_end()
        for worker in crew:
            worker.end()


def _free_of(crew: list[_Worker], jobs: int, threads: int) -> _Worker | None:
    """Return a worker without a film, a new one if there may be more; None where all are busy."""
    free = next((worker for worker in crew if not worker.film), None)
    if free is None and len(crew) < jobs:
        free = _Worker(threads)
        crew.append(free)
    return free


class _Worker:
    """A process at the other end of a pipe: films go in, lines and outcomes come back.

    Attributes:
        pipe: our end.
        alive: the process works on, as far as we know.
        film: what it is doing; None while it waits.
        given: the last film that it was given.
        attempt: how often that one has been begun.
    """

    film: Film | None
    given: Film

    def __init__(self, threads: int) -> None:
        context = get_context("spawn")  # a fork would share FFmpeg's and OpenMP's threads, and hang
        self.pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_serve, args=(theirs, threads))
        self.process.start()
        theirs.close()
        self.alive, self.film, self.attempt = True, None, 0

    def begin(self, film: Film, attempt: int, settings: RunSettings, start: str | None) -> None:
        """Give it a film."""
        self.film, self.given, self.attempt = film, film, attempt
        with suppress(ConnectionError):  # dead already: the result will say so
            self.pipe.send((film, settings, start))

    def hear(self) -> Outcome | str | None:
        """Return what it says: a line of how far it is, or what became of the film.

        None where the process died and the film should be tried again.
        """
        film = self.given
        try:
            said: Outcome | str = self.pipe.recv()
            if not isinstance(said, str):
                self.film = None
            return said
        except (EOFError, ConnectionError):
            self.alive, self.film = False, None
            self.process.join()
        code = self.process.exitcode or 0
        if code < 0 and self.attempt < ATTEMPTS:
            return None
        why = f"{film.path}: its process ended with code {code}: a bug of ours, told above; please report it"
        if code < 0:
            why = f"{film.path}: its process was killed {ATTEMPTS} times, by signal {-code}: the film is damaged, or "
            why += "memory too short; convert it, or fewer --jobs"
        return Outcome(FAILED, str(film.path), str(film.folder), error=why)

    def ask_to_end(self) -> None:
        """Tell the process to end, a running film with what it has finished."""
        if self.process.is_alive() and self.film:
            self.process.terminate()
        self.pipe.close()

    def end(self) -> None:
        """Wait for the end, and make it."""
        self.process.join(_PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Ended(BaseException):
    """The batch is over; passes through every `except Exception`, so that a run clears up and goes."""


def _serve(pipe: Connection, threads: int) -> None:
    """Do films until nobody sends any more: the life of a worker's process."""
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before any library that counts processors is loaded
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch itself hears it, and ends us
    signal.signal(signal.SIGTERM, _end)
    try:
        while True:
            film, settings, start = pipe.recv()
            pipe.send(do(film, settings, start, pipe.send))
    except (EOFError, ConnectionError, _Ended):
        return


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _Ended
