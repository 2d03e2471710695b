"""The failure of the lifter that a user can meet, told in one line."""

from __future__ import annotations


class LifterError(Exception):
    """Weights, data or settings cannot be used; the message is one line: what, which, what to do."""
