"""Weights come whole and checked or not at all, from servers that break, lie, lack ranges or send too much."""

from __future__ import annotations

import hashlib
import multiprocessing
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from detectors.base import DetectorError
from detectors.download import DownloadError, download
from detectors.weights import MIRROR, ZOO, Weights, cache_folder, fetch

CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8).tobytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "model-01234567.pth"


@dataclass
class Server:
    """What the local server sends, and what it was asked.

    Attributes:
        content: the file.
        breaks_after: for each coming request, close the connection after so many bytes; then no more.
        ranges: continue a file where asked.
        shifted: continue it so many bytes further on than asked.
        statuses: path -> status to answer instead.
        redirects: path -> address to send the client to.
        asked: (path, Range header or "") of each request.
    """

    content: bytes = CONTENT
    breaks_after: list[int] = field(default_factory=list)
    ranges: bool = True
    shifted: int = 0
    says_length: bool = True
    statuses: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""

    def url(self, folder: str = "zoo") -> str:
        return f"{self.address}/{folder}/{NAME}"

    def weights(self, *folders: str, sha256: str = SHA256[:8], max_bytes: int = 1 << 20) -> Weights:
        urls = tuple(self.url(folder) for folder in folders or ("zoo",))
        return Weights("hrnet", urls, sha256, "--checkpoint FILE", max_bytes)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine, and an environment that neither has a proxy nor a mirror."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv(MIRROR, raising=False)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Range", "")))
            folder = self.path.split("/")[1]
            if folder in state.redirects:
                self.send_response(302)
                self.send_header("Location", state.redirects[folder])
                self.end_headers()
                return
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if state.ranges else None
            offset = int(asked[1]) + state.shifted if asked else 0
            status = state.statuses.get(folder, 206 if asked else 200)
            if asked and offset >= len(state.content):
                status = 416
            if status >= 400:
                self.send_error(status)
                return
            self.send_response(status)
            if asked:
                self.send_header("Content-Range", f"bytes {offset}-{len(state.content) - 1}/{len(state.content)}")
            if state.says_length:
                self.send_header("Content-Length", str(len(state.content) - offset))
            self.end_headers()
            stop = state.breaks_after.pop(0) if state.breaks_after else len(state.content)
            self.wfile.write(state.content[offset : offset + stop])

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def _refused(weights: Weights, cache: Path, match: str, **arguments: bool) -> str:
    """Fetch in vain; return the message: one line that says where from, where to, and what instead."""
    with pytest.raises(DetectorError, match=match) as caught:
        fetch(weights, cache, **arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert "--checkpoint FILE" in message
    return message


def _left(cache: Path) -> set[str]:
    """Return what lies in the cache, but for the lock."""
    return {path.name for path in cache.iterdir() if path.suffix != ".lock"} if cache.exists() else set()


def test_good_download_is_kept_with_its_record(server: Server, tmp_path: Path) -> None:
    path = fetch(server.weights(), tmp_path / "new" / "cache")
    assert path == tmp_path / "new" / "cache" / NAME
    assert path.read_bytes() == CONTENT
    assert path.with_name(f"{NAME}.sha256").read_text() == f"{SHA256}  {NAME}\n"
    assert _left(path.parent) == {NAME, f"{NAME}.sha256"}
    assert fetch(server.weights(), path.parent, offline=True) == path
    assert len(server.asked) == 1, "the second time nothing is fetched"


def test_broken_connection_is_continued_at_once(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [100_000, 50_000]
    assert fetch(server.weights(), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["", "bytes=100000-", "bytes=150000-"]


def test_broken_download_is_continued_by_the_next_call(server: Server, tmp_path: Path) -> None:
    server.breaks_after = [100_000, 0, 0]
    message = _refused(server.weights(), tmp_path, "connection broke after 100,000 of 300,000 bytes")
    assert server.url() in message
    assert str(tmp_path / NAME) in message
    assert _left(tmp_path) == {f"{NAME}.part"}
    server.asked.clear()
    server.breaks_after = []
    assert fetch(server.weights(), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["bytes=100000-"]


def test_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.breaks_after = [100_000]
    assert fetch(server.weights(), tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_server_that_continues_elsewhere_is_not_believed(server: Server, tmp_path: Path) -> None:
    server.breaks_after, server.shifted = [100_000], 7
    _refused(server.weights(), tmp_path, "the server continues the file at another place than asked")
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:100_000]  # nothing wrong was put behind it
    server.shifted = 0
    assert fetch(server.weights(), tmp_path).read_bytes() == CONTENT


def test_wrong_hash_leaves_nothing(server: Server, tmp_path: Path) -> None:
    _refused(server.weights(sha256="deadbeef"), tmp_path, f"SHA-256 begins with {SHA256[:8]}, not with deadbeef")
    assert _left(tmp_path) == set()


def test_full_hash_counts_to_the_last_digit(server: Server, tmp_path: Path) -> None:
    almost = SHA256[:-1] + ("0" if SHA256[-1] != "0" else "1")
    _refused(server.weights(sha256=almost), tmp_path, "SHA-256")
    assert fetch(server.weights(sha256=SHA256.upper()), tmp_path).exists()


def test_piece_of_another_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"x" * 1000)
    assert fetch(server.weights(), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == ["bytes=1000-", ""]


def test_piece_longer_than_the_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT + b"more")
    assert fetch(server.weights(), tmp_path).read_bytes() == CONTENT


def test_whole_piece_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    assert fetch(server.weights(), tmp_path).read_bytes() == CONTENT
    assert server.asked == []


def test_mirror_serves_what_the_first_address_lacks(server: Server, tmp_path: Path) -> None:
    server.statuses = {"gone": 404}
    assert fetch(server.weights("gone", "zoo"), tmp_path).read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == [f"/gone/{NAME}", f"/zoo/{NAME}"]


def test_all_addresses_fail(server: Server, tmp_path: Path) -> None:
    server.statuses = {"gone": 404, "ill": 503}
    message = _refused(server.weights("gone", "ill"), tmp_path, "404")
    assert "503" in message
    assert len(server.asked) == 2


def test_own_mirror_is_tried_first(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR, f"{server.address}/ours/")
    fetch(server.weights(), tmp_path)
    assert [path for path, _ in server.asked] == [f"/ours/{NAME}"]


@pytest.mark.parametrize("says_length", [True, False])
def test_too_large_is_refused(server: Server, tmp_path: Path, says_length: bool) -> None:
    server.says_length = says_length
    _refused(server.weights(max_bytes=len(CONTENT) - 1), tmp_path, "limit of 299,999")
    assert _left(tmp_path) == set()
    assert fetch(server.weights(max_bytes=len(CONTENT)), tmp_path).exists(), "the limit itself is allowed"


def test_offline_asks_nobody(server: Server, tmp_path: Path) -> None:
    message = _refused(server.weights(), tmp_path / "cache", "--offline", offline=True)
    assert server.url() in message
    assert str(tmp_path / "cache" / NAME) in message
    assert server.asked == []
    assert not (tmp_path / "cache").exists()


def test_file_put_there_by_hand(server: Server, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    assert fetch(server.weights(), tmp_path, offline=True) == tmp_path / NAME
    assert (tmp_path / f"{NAME}.sha256").read_text().startswith(SHA256)
    (tmp_path / NAME).write_bytes(CONTENT[:-1])
    _refused(server.weights(), tmp_path, "damaged or another file")
    assert (tmp_path / NAME).exists(), "what a user put there is not ours to delete"


def test_what_was_accepted_once_must_stay_the_same(server: Server, tmp_path: Path) -> None:
    """The zoo's eight digits can be forged; the record beside the file holds all of them."""
    fetch(server.weights(), tmp_path)
    (tmp_path / f"{NAME}.sha256").write_text(f"{SHA256[:8]}{'0' * 56}  {NAME}\n")
    _refused(server.weights(), tmp_path, "damaged or another file")


def test_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _refused(server.weights(), tmp_path / "file" / "cache", "cannot be written there")


def test_nobody_listens(tmp_path: Path) -> None:
    weights = Weights("hrnet", (f"http://127.0.0.1:9/{NAME}",), SHA256, "--checkpoint FILE")
    _refused(weights, tmp_path, "cannot be fetched")


@pytest.mark.parametrize("url", ["http://example.org/a.pth", "file:///etc/hostname", "ftp://127.0.0.1/a.pth", "a.pth"])
def test_only_tls_leaves_this_machine(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="only https"):
        download(url, tmp_path / "part", SHA256, 1 << 20)


def test_redirects_are_held_to_the_same_rule(server: Server, tmp_path: Path) -> None:
    server.redirects = {"moved": f"/zoo/{NAME}", "plain": "http://example.org/a.pth"}
    assert fetch(server.weights("moved"), tmp_path).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="only https"):
        download(server.url("plain"), tmp_path / "part", SHA256, 1 << 20)


def _fetch_in_process(weights: Weights, cache: Path) -> None:
    assert fetch(weights, cache).read_bytes() == CONTENT


def test_processes_at_once_fetch_one_file(server: Server, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_fetch_in_process, args=(server.weights(), tmp_path)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(server.asked) == 1
    assert _left(tmp_path) == {NAME, f"{NAME}.sha256"}


def test_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "motion-lift" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "motion-lift" / "weights"


@pytest.mark.parametrize("name", sorted(ZOO))
def test_the_zoo_names_its_files_by_their_hash(name: str) -> None:
    entry = ZOO[name]
    assert f"-{entry.sha256}" in entry.file
    assert re.fullmatch("[0-9a-f]{8}|[0-9a-f]{64}", entry.sha256)
    assert all(url.startswith("https://") and url.endswith(f"/{entry.file}") for url in entry.urls)
