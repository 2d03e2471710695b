"""What becomes of Ctrl-C on its way up."""

from __future__ import annotations


def is_stop(error: BaseException | None) -> bool:
    """Whether an error is what became of a signal: a module in C that is being imported makes an ImportError of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
