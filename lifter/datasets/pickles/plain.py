"""Reads pickles of plain values and numpy arrays by a machine of its own, which calls nothing that a file names.

Python's unpickler runs whatever a file asks for. Here every name but the few that numpy writes for arrays
(`pickled_arrays`) is refused, and so is every opcode that could make another object.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any

from lifter.datasets.pickles.arrays import CALLS, NAMES, Array, Name, Type, finished

MAX_OPERATIONS = 5_000_000


def read_plain_pickle(stream: IO[bytes]) -> object:
    """Read one pickle of protocol 0 to 5, to the end of the stream.

    Text of Python 2 is read as Latin-1, as its arrays want. Arrays may be read-only.

    Returns:
        None, bool, int, float, bytes, str, list, tuple, dict (keys str or int), numpy arrays (numbers, text, or objects
        of these kinds), dtypes and scalars, up to `pickled_arrays.MAX_DEPTH` deep.

    Raises:
        ValueError: anything else is asked for, named; or it is too much, too deep or broken.
        LookupError: a pickle that takes what it never laid down.
    """
    machine = _Machine()
    for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if number >= MAX_OPERATIONS:
            raise ValueError(f"a pickle of more than {MAX_OPERATIONS} steps")
        if opcode.name in _PUSHES:
            machine.stack.append(argument)
        elif opcode.name in _DOES:
            _DOES[opcode.name](machine, argument)
        else:
            raise ValueError(f"the pickle asks for {opcode.name}, which plain data does not need")
    if stream.read(1):
        raise ValueError("something follows the pickle")
    if len(machine.stack) != 1:
        raise ValueError("a pickle that is not one value")
    return finished(machine.stack[0])


class _Machine:
    """The stack, the memory and the marks of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, object] = {}
        self.marks: list[int] = []

    def take(self, count: int) -> list[Any]:
        """Take the topmost values off the stack."""
        if count > len(self.stack):
            raise IndexError("a pickle that takes what it never laid down")
        at = len(self.stack) - count
        taken = self.stack[at:]
        del self.stack[at:]
        return taken

    def take_to_mark(self) -> list[Any]:
        """Take everything above the last mark."""
        return self.take(max(len(self.stack) - self.marks.pop(), 0))


def _name(machine: _Machine, module: object, name: object) -> None:
    # Whatever is no text is never hashed: tuples nested by the million end the process there.
    if not isinstance(module, str) or not isinstance(name, str) or (module, name) not in NAMES:
        wanted = ".".join(part[:80] if isinstance(part, str) else "?" for part in (module, name))
        raise ValueError(f"the pickle asks for {wanted}; only plain values and arrays of numpy are read")
    machine.stack.append(Name(NAMES[module, name]))


def _call(machine: _Machine) -> None:
    name, arguments = machine.take(2)
    if not isinstance(name, Name) or not isinstance(arguments, tuple) or name.word not in CALLS:
        raise ValueError("the pickle calls something that makes no array")
    try:
        machine.stack.append(CALLS[name.word](*arguments))
    except TypeError as error:
        raise ValueError(f"{name.word} with other arguments than numpy writes") from error


def _build(machine: _Machine) -> None:
    (state,) = machine.take(1)
    target = machine.stack[-1]
    if not isinstance(target, Array | Type):
        raise ValueError("the pickle sets the state of something that is no array")
    target.set_state(state)


def _extend(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list):
        raise ValueError("the pickle appends to something that is no list")
    target.extend(items)


def _set_items(machine: _Machine, items: list[Any]) -> None:
    target, keys, values = machine.stack[-1], items[::2], items[1::2]
    if not isinstance(target, dict) or len(keys) != len(values):
        raise ValueError("the pickle sets items of something that is no dict")
    if not all(isinstance(key, str | int) for key in keys):
        raise ValueError("a dict with keys that are neither text nor whole numbers")
    target.update(zip(keys, values, strict=True))


def _dict(machine: _Machine) -> None:
    items = machine.take_to_mark()
    machine.stack.append({})
    _set_items(machine, items)


def _remember(machine: _Machine, place: int) -> None:
    machine.memory[place] = machine.stack[-1]


def _recall(machine: _Machine, place: int) -> None:
    machine.stack.append(machine.memory[place])


_PUSHES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_DOES: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda _machine, _argument: None),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _recall),
    "MEMOIZE": lambda machine, _: _remember(machine, len(machine.memory)),
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "POP": lambda machine, _: machine.take(1).clear(),
    "TUPLE1": lambda machine, _: machine.stack.append(tuple(machine.take(1))),
    "TUPLE2": lambda machine, _: machine.stack.append(tuple(machine.take(2))),
    "TUPLE3": lambda machine, _: machine.stack.append(tuple(machine.take(3))),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.take_to_mark())),
    "LIST": lambda machine, _: machine.stack.append(machine.take_to_mark()),
    "DICT": lambda machine, _: _dict(machine),
    "APPEND": lambda machine, _: _extend(machine, machine.take(1)),
    "APPENDS": lambda machine, _: _extend(machine, machine.take_to_mark()),
    "SETITEM": lambda machine, _: _set_items(machine, machine.take(2)),
    "SETITEMS": lambda machine, _: _set_items(machine, machine.take_to_mark()),
    "GLOBAL": lambda machine, words: _name(machine, *words.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: _name(machine, *machine.take(2)),
    "REDUCE": lambda machine, _: _call(machine),
    "BUILD": lambda machine, _: _build(machine),
}
