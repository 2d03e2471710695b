"""Changes files as somebody who knows their form would: members of archives behind their checksums, words, numbers.

A change needs `inner`, which changes bytes whatever they are: libFuzzer's, or `scrambled` where there is none.
"""

from __future__ import annotations

import io
import json
import random as randomly
import re
import struct
import zipfile
from collections.abc import Callable

Random = randomly.Random
Inner = Callable[[bytes], bytes]

NUMBERS = (
    "0", "-1", "1", "2", "17", "1000", "2147483648", "9223372036854775808", "1e400", "-1e308", "1e308", "1e39",
    "1e-320", "nan", "inf", "-inf", "9" * 400, "0x" + "f" * 4500, "1.5", "-0.0", "true", "null", '"7"', "[]", "{}",
)  # fmt: skip
TYPES = (
    "<f2", "<f4", "<f8", "<f16", ">f4", "<c8", "<i8", "|i1", "<u8", "|b1", "|O", "<U0", "<U5", "|S3", "|V0", "<M8[s]",
)  # fmt: skip
SPECIAL = tuple(struct.pack("<d", float(word)) for word in ("nan", "inf", "1e308", "-1e308", "1e-310", "-1")) + tuple(
    struct.pack("<f", float(word)) for word in ("nan", "-inf", "3e38", "-3e38", "1e-40")
)
WORDS = (
    "[" * 3000, "{" * 3000, "\x00", "\n", "\u2028", '"', "=", ":", "#", "MOTION", "&a ", "*a", "!!int ", "!!timestamp ",
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?")
_TYPE = re.compile(r"[<>|=][a-zA-Z]\d*")
_MAGIC = b"\x93NUMPY"


def scrambled(data: bytes, random: Random) -> bytes:
    """Change a few bytes, or take some out, or put some in twice."""
    made = bytearray(data or b"\0")
    for _ in range(random.choice((1, 1, 2, 5))):
        at, length = random.randrange(len(made) + 1), random.choice((1, 1, 4, 30))
        part = made[at : at + length]
        act = random.randrange(4)
        if act == 0:
            made[at : at + 1] = bytes([random.randrange(256)])
        elif act == 1:
            del made[at : at + length]
        elif act == 2:
            made[at:at] = part
        else:
            to = random.randrange(len(made) + 1)
            made[to : to + len(part)] = part
    return bytes(made)


def mutated(data: bytes, kind: str, random: Random, inner: Inner) -> bytes:
    """Return the content of a file of this kind, changed: "zip", "safetensors", "text" or "raw"."""
    if random.random() < 0.1:
        return inner(data)
    change = {"zip": _archive, "safetensors": _tensors, "text": _text}.get(kind)
    return change(data, random, inner) if change else inner(data)


def _text(data: bytes, random: Random, inner: Inner) -> bytes:
    act = random.randrange(6)
    if act <= 1:
        text = data.decode("utf-8", "replace")
        if spans := [found.span() for found in _NUMBER.finditer(text)]:
            a, b = random.choice(spans)
            return (text[:a] + random.choice(NUMBERS) + text[b:]).encode()
    if act == 2:
        lines = data.split(b"\n")
        one, other = random.randrange(len(lines)), random.randrange(len(lines))
        lines[one : one + random.randrange(2)] = [lines[other]] * random.randrange(3)
        return b"\n".join(lines)
    if act == 3:
        at = random.randrange(len(data) + 1)
        return data[:at] + random.choice(WORDS).encode() + data[at:]
    return inner(data)


def unpacked(data: bytes) -> list[tuple[str, bytes]]:
    """Return the members of an archive; none where it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [(info.filename, archive.read(info)) for info in archive.infolist() if info.file_size < 1 << 20]
    except Exception:  # noqa: BLE001 - it was changed already, and is no archive any more
        return []


def packed(members: list[tuple[str, bytes]]) -> bytes:
    """Return an archive of members that are not compressed."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name, content in dict(members).items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return into.getvalue()


def _archive(data: bytes, random: Random, inner: Inner) -> bytes:
    members = unpacked(data)
    if not members:
        return inner(data)
    at = random.randrange(len(members))
    name, content = members[at]
    act = random.randrange(10)
    if act == 0:
        members.pop(at)
    elif act == 1:
        members[at] = (name, random.choice(members)[1])
    elif act <= 6:
        members[at] = (name, _array(content, random, inner))
    else:
        members[at] = (name, inner(content))
    return packed(members)


def _array(content: bytes, random: Random, inner: Inner) -> bytes:
    """Change the header of an array, or the numbers behind it."""
    if not content.startswith(_MAGIC) or len(content) < 10:
        return inner(content)
    end = 10 + int.from_bytes(content[8:10], "little")
    head, body = content[10:end].decode("latin1"), content[end:]
    act = random.randrange(5)
    if act == 0:
        head = _TYPE.sub(lambda _found: random.choice(TYPES), head)
    elif act == 1 and (spans := [found.span() for found in _NUMBER.finditer(head, head.find("shape"))]):
        a, b = random.choice(spans)
        head = head[:a] + random.choice(("0", "1", "-1", "3", "17", "1000000000000", "9" * 30)) + head[b:]
    elif act == 2:
        head = inner(head.encode()).decode("latin1")
    elif act == 3 and body:
        at, value = random.randrange(len(body)) // 8 * 8, random.choice(SPECIAL)
        body = (body[:at] + value + body[at + len(value) :])[: len(body)]
    else:
        body = inner(body)
    told = head.encode("latin1")[:60_000]
    return content[:8] + len(told).to_bytes(2, "little") + told + body


def _tensors(data: bytes, random: Random, inner: Inner) -> bytes:
    """Change what a safetensors file says of itself, or its header, or its numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    head, body = data[8:end], data[end:]
    act = random.randrange(4)
    if act == 0:
        head = _text(head, random, inner)
    elif act == 1 and body:
        at = random.randrange(len(body)) // 4 * 4
        body = (body[:at] + random.choice(SPECIAL[6:]) + body[at + 4 :])[: len(body)]
    else:
        try:
            told = json.loads(head)
            told["__metadata__"]["about"] = _text(told["__metadata__"]["about"].encode(), random, inner).decode()
            head = json.dumps(told).encode()
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return inner(data)
    return len(head).to_bytes(8, "little") + head + body
