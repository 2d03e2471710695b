"""One file over HTTPS: continued where it broke, never larger than allowed, and checked by its SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import re
import time
from pathlib import Path
from typing import IO
from urllib import error, parse, request

CHUNK = 1 << 20
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class DownloadError(Exception):
    """A file cannot be had from an address; the message is a few words that say why."""


def download(url: str, part: Path, wanted_sha256: str, max_bytes: int, timeout_s: float = 30.0) -> str:
    """Bring the file `part` to its full length from one address and return its SHA-256.

    What `part` holds already is kept and continued. A connection that breaks is taken up again where it broke, as
    long as every attempt brings something. A wrong SHA-256 of a continued file may be the fault of its old piece:
    then it is fetched once more from the start.

    Args:
        url: an https address, or http on this machine.
        part: where the bytes go; it stays when the server fails, so that a later call can go on.
        wanted_sha256: in hexadecimal, or the leading digits of it that are known.
        max_bytes: refuse what is larger.
        timeout_s: give up on a server that sends nothing for so long.

    Raises:
        DownloadError: the server cannot be reached, stops sending, or has another file.
    """
    if part.exists() and sha256(part).startswith(wanted_sha256.lower()):
        return sha256(part)  # whole, but not renamed: the process was stopped between the two
    continued = part.exists()
    while True:
        _stream_all(url, part, max_bytes, timeout_s)
        digest = sha256(part)
        if digest.startswith(wanted_sha256.lower()):
            return digest
        part.unlink()
        if not continued:
            raise DownloadError(f"its SHA-256 begins with {digest[:8]}, not with {wanted_sha256[:8]}")
        continued = False


def _stream_all(url: str, part: Path, max_bytes: int, timeout_s: float) -> None:
    """Call `_stream` until the file is whole; give up when an attempt brought nothing."""
    size = -1
    while True:
        try:
            return _stream(url, part, max_bytes, timeout_s)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            before, size = size, part.stat().st_size if part.exists() else 0
            if size <= max(before, 0) or isinstance(problem, error.HTTPError):
                raise DownloadError(_brief(problem)) from problem
            time.sleep(0.1)


def _stream(url: str, part: Path, max_bytes: int, timeout_s: float) -> None:
    """Append to `part` what it lacks of the file at `url`; a server that cannot continue sends all of it anew."""
    _check_address(url)
    offset = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "motion-lift"} | ({"Range": f"bytes={offset}-"} if offset else {})
    opener = request.build_opener(_SafeRedirects)
    try:
        response = opener.open(request.Request(url, headers=headers), timeout=timeout_s)
    except error.HTTPError as problem:
        problem.close()
        if problem.code != 416 or not offset:
            raise
        part.unlink()  # as long as the file or longer, but not it
        _stream(url, part, max_bytes, timeout_s)
        return
    with response:
        start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        goes_on = response.status == 206 and start is not None and int(start[1]) == offset
        if response.status == 206 and not goes_on:
            raise DownloadError("the server continues the file at another place than asked")
        offset = offset if goes_on else 0
        length = response.headers.get("Content-Length", "")
        total = offset + int(length) if length.isdigit() else None
        if total is not None and total > max_bytes:
            raise DownloadError(f"it holds {total:,} bytes, over the limit of {max_bytes:,}")
        with part.open("ab" if goes_on else "wb") as out:
            offset += _copy(response, out, max_bytes - offset)
        if offset > max_bytes:
            part.unlink()
            raise DownloadError(f"it is larger than the limit of {max_bytes:,} bytes")
        if total is not None and offset < total:
            raise ConnectionError(f"the connection broke after {offset:,} of {total:,} bytes")


def _copy(source: http.client.HTTPResponse, out: IO[bytes], room: int) -> int:
    """Copy until the end, or until just over `room` bytes came; return how many did."""
    copied = 0
    while copied <= room and (chunk := source.read(min(CHUNK, room - copied + 1))):
        out.write(chunk)
        copied += len(chunk)
    return copied


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_address(url: str) -> None:
    """Refuse addresses that are neither TLS nor this machine."""
    parts = parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL_HOSTS):
        raise DownloadError(f"only https addresses are fetched, not {parts.scheme}")


def _brief(problem: BaseException) -> str:
    """Return what went wrong in a few words on one line."""
    reason = getattr(problem, "reason", None)
    text = f"{problem.code} {reason}" if isinstance(problem, error.HTTPError) else str(reason or problem)
    return " ".join(text.split())[:120] or type(problem).__name__


class _SafeRedirects(request.HTTPRedirectHandler):
    """Follows a redirect only to an address that would be fetched by itself."""

    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> request.Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
