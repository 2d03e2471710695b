"""Work that overlaps: a source that runs ahead in a thread of its own, and a sink that follows behind in another.

    with ahead(reader) as frames, behind(film.write) as write:
        for seconds, frame in frames:
            write(draw(frame))

What is in between is bounded, so memory does not grow; whatever fails anywhere, and Ctrl-C, ends all of it: no thread
outlives its `with` block.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from threading import Condition, Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

DEPTH = 4  # items in between: enough to even out slow ones, little memory


class Channel(Generic[T]):
    """A bounded line of items from one thread to another; either side may leave, and wakes the other.

    Args:
        depth: items that may wait in it.
    """

    def __init__(self, depth: int = DEPTH) -> None:
        self._depth, self._items = max(1, depth), deque[T]()
        self._changed = Condition()
        self._ended = self._closed = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Wait for room and append an item; False where the taker has left."""
        with self._changed:
            while len(self._items) >= self._depth and not self._closed:
                self._changed.wait()
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()
            return not self._closed

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more will come, or what went wrong; the taker gets what waits before."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Leave as the taker: drop what waits, and take nothing any more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Take items until the end; raises what the giver ended with."""
        while True:
            with self._changed:
                while not (self._items or self._ended or self._closed):
                    self._changed.wait()
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
            del item  # or it would live on while the next one is waited for


@contextmanager
def ahead(items: Iterable[T], depth: int = DEPTH) -> Iterator[Iterator[T]]:
    """Let an iterable run in a thread of its own, up to `depth` items ahead of who takes them.

    An exception in it is raised where its next item would have been taken. When the block ends, so does the iterable.
    """
    channel = Channel[T](depth)

    def work() -> None:
        error: BaseException | None = None
        try:
            source = iter(items)
            for item in source:
                if not channel.put(item):
                    break
                del item
            if isinstance(source, Generator):
                source.close()
        except BaseException as raised:  # noqa: BLE001 - it is raised again, in the thread that takes
            error = raised
        channel.end(error)

    with _running("ahead", work, channel):
        yield iter(channel)


@contextmanager
def behind(work: Callable[[T], None], depth: int = DEPTH) -> Iterator[Callable[[T], None]]:
    """Give a function that hands an item over to `work`, which runs in a thread of its own, one item after the other.

    At the end of the block all items have been worked on; where the block fails, those that wait are dropped. What
    `work` raises is raised in the block, at the next item or at the end.
    """
    channel, failed = Channel[T](depth), list[BaseException]()

    def follow() -> None:
        try:
            for item in channel:
                work(item)
                del item
        except BaseException as raised:  # noqa: BLE001 - it is raised again, in the thread that gives
            failed.append(raised)
            channel.close()

    def give(item: T) -> None:
        if not channel.put(item):
            raise failed[0]

    with _running("behind", follow, channel) as ended:
        yield give
        channel.end()
        ended.wait()
    if failed:
        raise failed[0]


@contextmanager
def _running(name: str, work: Callable[[], None], channel: Channel[T]) -> Iterator[Event]:
    """Let work run in a thread of its own; at the end of the block close its channel, and wait until it has ended.

    It says itself that it has: Python takes a thread for ended whose `join` a signal has broken off, and a process
    that ends while a film is still being encoded dies of it.
    """
    ended = Event()

    def run() -> None:
        try:
            work()
        finally:
            ended.set()

    thread = Thread(target=run, name=name, daemon=True)
    try:
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # there are too many
            ended.set()
            raise
        yield ended
    finally:
        _wait(ended, channel)
        if thread.ident is not None:
            thread.join()


def _wait(ended: Event, channel: Channel[T]) -> None:
    """Close a channel and wait for its thread; a signal meanwhile is raised when that is done."""
    try:
        channel.close()
        ended.wait()
    except BaseException:
        channel.close()
        ended.wait()
        raise


@contextmanager
def opencv_alone() -> Iterator[None]:
    """Let OpenCV do what is asked of it without threads of its own; at the end of the block it has them again.

    On planes of a film its calls are too small to be shared out: where other threads are at work, its own only wait.
    """
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
