"""Files that appear whole or not at all: written beside their place, then renamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lifter.errors import LifterError


@contextmanager
def whole(path: Path, failures: type[Exception] = OSError) -> Iterator[Path]:
    """Give the temporary file to write; it takes its place when the block ends well, and is removed when not.

    Args:
        path: where the file belongs; its folder is made.
        failures: what else than OSError the writer raises when the disk is full.

    Raises:
        LifterError: the disk is full, or the folder cannot be written to.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # a link that somebody laid there is not written through
        yield temporary
        temporary.replace(path)
    except (OSError, failures) as error:
        told = getattr(error, "strerror", None) or "it failed"
        raise LifterError(f"{path}: cannot be written ({told}); check the folder and the free space") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
