"""Pickled arrays: what numpy wrote comes back the same by every protocol; whatever asks for more is one line."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifter.datasets.pickles import plain, unpickle
from lifter.datasets.pickles.plain import read_plain_pickle
from lifter.datasets.pickles.unpickle import load_object
from lifter.errors import LifterError

POSES = np.random.default_rng(3).normal(size=(5, 32, 3))
TREE: dict[str, Any] = {
    "S1": {
        "Walking 1": POSES.astype(np.float32),
        "two": [np.asfortranarray(POSES[0]), POSES[::2, ::3].astype(">f8")],
        "none": np.zeros((0, 3)),
        "one number": np.array(2.5),
        "whole": np.arange(4, dtype=np.int16),
        "true": np.array([True, False]),
        "words": np.array(["hip", "knee\u00e9"]),
        "bytes": np.array([b"a", b"bc"]),
    },
    "plain": [1, -(2**70), 2.5, None, True, "\u00fc", b"\x00\xff", (), (1, (2,)), [], {}, {7: "seven"}],
    "scalars": [np.float32(0.1), np.int64(7), np.bool_(True), np.str_("text")],
    "keypoints_symmetry": ([4, 5], [1, 2]),
}


def same(one: object, other: object) -> None:
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, list | tuple) or (isinstance(one, np.ndarray) and one.dtype == object):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            same(left, right)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


def read(pickled: bytes) -> object:
    return read_plain_pickle(io.BytesIO(pickled))


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_comes_back_the_same(protocol: int) -> None:
    same(read(pickle.dumps(TREE, protocol)), TREE)
    whole = np.empty((2, 1), dtype=object, order="F")
    whole[:, 0] = [TREE, "other"]
    same(read(pickle.dumps(whole, protocol)).ravel(), whole.ravel())
    old = pickle.dumps(TREE, min(protocol, 3)).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    same(read(old), TREE)


def test_objects_in_fortran_order_keep_their_places() -> None:
    grid = np.empty((2, 3), dtype=object, order="F")
    grid[:] = [["a", "b", "c"], ["d", "e", "f"]]
    assert read(pickle.dumps(grid, 4)).tolist() == grid.tolist()


def test_python_2_text_is_latin_1() -> None:
    """An array as Python 2 wrote it: str, not bytes, for its type and content."""
    content = np.array([1.5, -2.0], "<f4").tobytes()
    dtype = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    pickled = b"\x80\x02}U\x02S1" + empty + b"(K\x01K\x02\x85" + dtype + b"\x89U\x08" + content + b"tbs."
    same(read(pickled), {"S1": np.array([1.5, -2.0], np.float32)})


def test_what_is_shared_stays_shared() -> None:
    one = np.ones(3)
    got = read(pickle.dumps([one, one, [one]], 4))
    assert got[0] is got[1] is got[2][0]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_savez_wrote(tmp_path: Path, save: Callable[..., None]) -> None:
    save(tmp_path / "a.npz", positions_3d=TREE, plain=POSES, many=np.array([{"a": 1}, {"b": 2}], dtype=object))
    same(load_object(tmp_path / "a.npz", "positions_3d"), TREE)
    same(load_object(tmp_path / "a.npz", "plain"), POSES)
    assert load_object(tmp_path / "a.npz", "many").tolist() == [{"a": 1}, {"b": 2}]
    with pytest.raises(LifterError, match=r"a\.npz: other: .*no 'other' in it \(it has: positions_3d, plain, many\)"):
        load_object(tmp_path / "a.npz", "other")


class Calls:
    """Pickles as a call of the function with the arguments."""

    def __init__(self, function: object, *arguments: object, state: object = None) -> None:
        self.made = (function, arguments, state) if state is not None else (function, arguments)

    def __reduce__(self) -> Any:
        return self.made


def asks(module: str, name: str, *arguments: bytes) -> bytes:
    """A pickle that calls any name there is with texts."""
    given = b"".join(b"X" + struct.pack("<I", len(word)) + word for word in arguments)
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"(" + given + b"tR."


MARKER = "unpickled_code_ran"
GADGETS = [
    asks("os", "system", f"touch {MARKER}".encode()),
    asks("posix", "system", f"touch {MARKER}".encode()),
    asks("subprocess", "check_call", f"touch {MARKER}".encode()),
    asks("builtins", "eval", f"open('{MARKER}', 'w')".encode()),
    asks("builtins", "exec", f"open('{MARKER}', 'w')".encode()),
    asks("__builtin__", "eval", f"open('{MARKER}', 'w')".encode()),
    asks("builtins", "getattr", b"os", b"system"),
    asks("builtins", "__import__", b"os"),
    asks("builtins", "open", MARKER.encode(), b"w"),
    asks("builtins", "bytearray"),
    asks("functools", "partial", b"os"),
    asks("operator", "attrgetter", b"system"),
    asks("pty", "spawn", b"true"),
    asks("runpy", "run_path", b"x.py"),
    asks("pickle", "loads", b"x"),
    asks("copyreg", "_reconstructor"),
    asks("copyreg", "__newobj__"),
    asks("copy_reg", "_reconstructor"),
    asks("_codecs", "decode", b"x"),
    asks("_codecs", "encode", b"x", b"zip"),
    asks("numpy", "load", b"x.npy"),
    asks("numpy", "fromfile", b"/etc/passwd"),
    asks("numpy", "memmap", b"/etc/passwd"),
    asks("numpy", "savetxt", MARKER.encode()),
    asks("numpy", "matrix", b"1"),
    asks("numpy.testing._private.utils", "runstring", f"open('{MARKER}', 'w')".encode()),
    asks("numpy.core.multiarray", "fromfile", b"/etc/passwd"),
    asks("numpy", "ndarray.tofile", MARKER.encode()),
    asks("numpy", "dtype.__class__"),
    asks("numpy", "ndarray", b"a"),  # a name that is known, but never called
    asks("numpy", "dtype", b"V8"),
    asks("numpy", "dtype", b"O,O"),
    asks("numpy", "dtype", b"S0"),
    pickle.dumps(Calls(os.system, f"touch {MARKER}")),
    pickle.dumps(Calls(partial, os.system, f"touch {MARKER}")),
    pickle.dumps(OrderedDict(a=1)),
    pickle.dumps(np.ma.masked_array([1.0])),
    pickle.dumps(np.array([(1, 2.0)], dtype=[("a", int), ("b", float)])),
    pickle.dumps(np.array(["2020-01-01"], dtype="datetime64[D]")),
    pickle.dumps(np.float64),
    pickle.dumps({1.5: 2}),
    pickle.dumps({(1, 2): 3}),
    pickle.dumps({1, 2}),
    pickle.dumps(Path("x")),
    pickle.dumps(Calls(np.dtype, "f4", state={"x": 1})),
]


@pytest.mark.parametrize("pickled", GADGETS, ids=lambda made: repr(made[2:45]))
def test_gadgets_are_refused_and_do_not_run(pickled: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError):
        read(pickled)
    assert not list(tmp_path.iterdir())


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4K\x00K\x01\x87R"
OBJECTS, MINUS_1 = DTYPE.replace(b"f4", b"O8"), b"J\xff\xff\xff\xff"
BROKEN_PICKLES = {
    "another class rebuilt": b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncbuiltins\nbytes\nK\x00\x85C\x01b\x87R.",
    "state of a name": b"\x80\x03cnumpy\nndarray\n}b.",
    "state of a list": b"\x80\x03]}b.",
    "a bare name": b"\x80\x03cnumpy\nndarray\n.",
    "a shape beyond its bytes": b"\x80\x03" + ARRAY + b"(K\x01K\x09\x85" + DTYPE + b"\x89C\x041234tb.",
    "a negative shape": b"\x80\x03" + ARRAY + b"(K\x01" + MINUS_1 * 2 + b"\x86" + DTYPE + b"\x89C\x041234tb.",
    "objects from bytes": b"\x80\x03" + ARRAY + b"(K\x01K\x01\x85" + OBJECTS + b"\x89C\x0812345678tb.",
    "a sub-array": b"\x80\x03" + DTYPE + b"(K\x03X\x01\x00\x00\x00<K\x01NNK\x08K\x08K\x3ftb.",
    "persistent id": b"\x80\x03X\x01\x00\x00\x00aQ.",
    "persistent id, text": b"Pos.system\n.",
    "extension": b"\x80\x03\x82\x01.",
    "instance": b"(ios\nsystem\n.",
    "object": b"(cos\nsystem\no.",
    "new object": b"\x80\x03cnumpy\nndarray\n)\x81.",
    "a list for a name": b"\x80\x04]]\x93.",
    "nothing": b"",
    "cut off": pickle.dumps(TREE)[:-40],
    "more behind": pickle.dumps(1) + b"x",
    "two values": b"\x80\x03K\x01K\x02.",
    "takes from nothing": b"\x80\x03\x87.",
    "mark that is not there": b"\x80\x03t.",
    "recalls nothing": b"\x80\x03h\x05.",
    "holds itself": b"\x80\x03]q\x00h\x00a.",
    "holds itself by a dict": b"\x80\x03}q\x00X\x01\x00\x00\x00ah\x00s.",
    "odd items": b"\x80\x03(K\x01d.",
    "far too long": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
    "text that is no Latin-1": b"\x80\x03c_codecs\nencode\nX\x03\x00\x00\x00\xe2\x82\xacX\x06\x00\x00\x00latin1\x86R.",
    "deep lists": b"\x80\x03" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "deep tuples": b"\x80\x03)" + b"\x85" * 100_000 + b".",
    "deep tuples as a key": b"\x80\x03})" + b"\x85" * 300_000 + b"Ns.",
    "deep tuples as a name": b"\x80\x04)" + b"\x85" * 300_000 + b"X\x01\x00\x00\x00a\x93.",
    "deep tuples as a shape": b"\x80\x03" + ARRAY + b"(K\x01)" + b"\x85" * 300_000 + DTYPE + b"\x89C\x00tb.",
    "deep tuples as a type": b"\x80\x03cnumpy\ndtype\n)" + b"\x85" * 300_000 + b"\x85R.",
}  # fmt: skip


@pytest.mark.parametrize("pickled", BROKEN_PICKLES.values(), ids=BROKEN_PICKLES)
def test_broken_pickles_are_refused(pickled: bytes) -> None:
    with pytest.raises((ValueError, LookupError)):
        read(pickled)


def test_memory_bombs_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of ten times the list before, forty times over: 10^40 values for whoever copies them."""
    one_more = b"](" + b"h\x00" * 10 + b"eq\x000"
    bomb = b"\x80\x03]q\x000" + one_more * 25 + b"h\x00."
    assert len(read(bomb)) == 10
    with pytest.raises(ValueError, match="of type 'list'"):  # nor is it ever written out in a message
        read(bomb.removesuffix(b".").replace(b"\x80\x03", b"\x80\x03cnumpy\ndtype\n") + b"\x85R.")
    with pytest.raises(ValueError, match="deeper than"):
        read(b"\x80\x03]q\x000" + one_more * 40 + b"h\x00.")
    monkeypatch.setattr(plain, "MAX_OPERATIONS", 1000)
    with pytest.raises(ValueError, match="more than 1000 steps"):
        read(b"\x80\x03" + b"N0" * 600 + b"N.")


def npz(path: Path, member: bytes, name: str = "data.npy") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, member)
    return path


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


OBJECT = header("{'descr': '|O', 'fortran_order': False, 'shape': ()}")


@pytest.mark.parametrize(
    "member",
    [
        b"", b"no array", OBJECT, OBJECT + asks("os", "system", b"true"), OBJECT + pickle.dumps({"a": 1}),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}") + b"1234",
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1180591620717411303424)}"),
        header("{'descr': ("), header("__import__('os')"), header("[]"), header("(" * 5000),
        header("{'descr': '|V0', 'fortran_order': False, 'shape': (9,)}"),
        b"\x93NUMPY\x03\x00" + OBJECT[8:], b"\x93NUMPY\x09\x00" + OBJECT[8:],
    ],
    ids=lambda member: repr(member[:60]),
)  # fmt: skip
def test_files_of_another_kind_are_one_line(tmp_path: Path, member: bytes) -> None:
    with pytest.raises(LifterError) as caught:
        load_object(npz(tmp_path / "a.npz", member), "data")
    assert "a.npz: data: cannot be read (" in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_files_that_are_no_archives_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    whole = npz(tmp_path / "whole.npz", OBJECT + pickle.dumps(np.array({"a": POSES}, dtype=object))).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-60])
    spoiled = bytearray(whole)
    spoiled[len(whole) // 2] ^= 255
    (tmp_path / "spoiled.npz").write_bytes(spoiled)
    for name in ("text", "cut", "spoiled", "absent"):
        with pytest.raises(LifterError, match=f"{name}.npz"):
            load_object(tmp_path / f"{name}.npz", "data")
    with pytest.raises(LifterError, match="no such file"):
        load_object(tmp_path, "data")


def test_bombs_are_refused_before_they_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = npz(tmp_path / "bomb.npz", b"\x93NUMPY" + bytes(1 << 20))
    monkeypatch.setattr(unpickle, "BOMB_BYTES", 1 << 19)
    with pytest.raises(LifterError, match="bytes that unpack to 10485"):
        load_object(path, "data")
    monkeypatch.setattr(unpickle, "BOMB_BYTES", 1 << 30)
    monkeypatch.setattr(unpickle, "MAX_MEMBER_BYTES", 1 << 19)
    with pytest.raises(LifterError, match="bytes that unpack to 10485"):
        load_object(path, "data")
    monkeypatch.setattr(unpickle, "MAX_FILE_BYTES", 100)
    with pytest.raises(LifterError, match="larger than"):
        load_object(path, "data")
