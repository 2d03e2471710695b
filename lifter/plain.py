"""Plain values of a config or a file to settings dataclasses: every name and every type is checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from lifter.errors import LifterError

T = TypeVar("T")


def unknown(what: str, name: object, known: Iterable[str]) -> LifterError:
    """Return the error for a name that is none of the known ones: it tells the nearest and the list."""
    there = sorted(known)
    near = get_close_matches(str(name), there, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return LifterError(f"{what}: {name!r} is unknown; {hint}known are {', '.join(there)}")


def refuse_giants(value: object) -> None:
    """Refuse whole numbers of more than 64 bits in nested plain values: no float holds the largest, no text tells them.

    Raises:
        ValueError: there is one.
    """
    if isinstance(value, Mapping):
        refuse_giants(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            refuse_giants(item)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of more than 64 bits")


def make(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Make a settings dataclass, and those within it, from nested plain values; lists become tuples.

    Args:
        kind: the dataclass; what is not named keeps its default.
        values: field name -> value, as TOML, JSON or a Python config gives them.
        where: what the values belong to, the begin of a message ("network ugcn").

    Raises:
        LifterError: an unknown field, a value of another type, or one that the dataclass refuses.
    """
    if not isinstance(values, Mapping):
        raise LifterError(f"{where}: a table of settings wanted, got {values!r}")
    try:
        refuse_giants(values)
    except ValueError as error:
        raise LifterError(f"{where}: {error}") from error
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]  # T is always a dataclass here
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise unknown(f"{where}, setting", name, known)
        hint = hints[name]
        nested = is_dataclass(hint) and isinstance(hint, type)
        arguments[name] = make(hint, value, f"{where}.{name}") if nested else _typed(f"{where}.{name}", value, hint)
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:  # TypeError: a field without a default that is not given
        raise LifterError(f"{where}: {error}") from error


def _typed(where: str, value: Any, hint: Any) -> Any:
    """Return a plain value as the field's type.

    Raises:
        LifterError: of another type, or a number that is not finite.
    """
    kind = get_origin(hint) or hint
    if kind is tuple and isinstance(value, (list, tuple)):
        wanted = get_args(hint)
        if wanted[-1] is Ellipsis:
            wanted = (wanted[0],) * len(value)
        if len(value) != len(wanted):
            raise LifterError(f"{where}: {len(wanted)} values wanted, got {value!r}")
        return tuple(_typed(where, item, each) for item, each in zip(value, wanted, strict=True))
    if kind is Mapping and isinstance(value, Mapping):
        each = get_args(hint)[1]
        return {str(key): _typed(f"{where}.{key}", item, each) for key, item in value.items()}
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise LifterError(f"{where}: {getattr(kind, '__name__', kind)} wanted, got {value!r}")
    return value
