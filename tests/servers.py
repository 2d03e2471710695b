"""Servers that send a film as a camera in the network would, at its own pace: HTTP and RTSP, on this machine only."""

from __future__ import annotations

import re
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av


@contextmanager
def http_server(film: Path) -> Iterator[str]:
    """Serve a film as an endless-looking MPEG transport stream; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                for piece, due in _paced_stream(film):
                    time.sleep(max(0.0, due - time.monotonic()))
                    self.wfile.write(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the watcher has seen enough

        def log_message(self, *_: object) -> None:
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}/live.ts"


def _paced_stream(film: Path) -> Iterator[tuple[bytes, float]]:
    """Yield the film's packets as a transport stream, each with the moment at which a camera would send it."""
    began = time.monotonic()
    pipe = _Pipe()
    with av.open(str(film)) as source, av.open(pipe, "w", format="mpegts") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is None:
                continue
            due = began + float(packet.dts * packet.time_base)
            packet.stream = stream
            target.mux(packet)
            yield pipe.take(), due
    yield pipe.take(), time.monotonic()


class _Pipe:
    """A file that a muxer writes to, and whose bytes are taken out again."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken, self._bytes = bytes(self._bytes), bytearray()
        return taken


@contextmanager
def rtsp_server(film: Path) -> Iterator[str]:
    """Serve a film by RTSP (RFC 2326: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN); ffmpeg sends the pictures by RTP."""
    import imageio_ffmpeg

    class Handler(socketserver.StreamRequestHandler):
        sender: subprocess.Popen[bytes] | None = None

        def handle(self) -> None:
            while head := self._head():
                method, number = head.split()[0], re.search(r"CSeq: *(\d+)", head)
                more, body = self._answer(method, head)
                reply = f"RTSP/1.0 200 OK\r\nCSeq: {number[1] if number else 0}\r\n{more}\r\n{body}"
                self.wfile.write(reply.encode())

        def finish(self) -> None:
            if self.sender:
                self.sender.kill()
                self.sender.wait()

        def _head(self) -> str:
            lines = []
            with suppress(ConnectionError):
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    lines.append(line.decode(errors="replace"))
            return "".join(lines)

        def _answer(self, method: str, head: str) -> tuple[str, str]:
            if method == "OPTIONS":
                return "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""
            if method == "DESCRIBE":
                body = _description(film)
                return f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n", body
            if method == "SETUP":
                self.relay = _Relay(self.connection)
                transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
                return f"Session: 1\r\nTransport: {transport}\r\n", ""
            if method == "PLAY":
                words = ["-re", "-i", film, "-c", "copy", "-f", "rtp", f"rtp://127.0.0.1:{self.relay.port}"]
                command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "quiet", *map(str, words)]
                self.sender = subprocess.Popen(command, stdout=subprocess.DEVNULL)
                self.relay.start(self.sender)
                return "Session: 1\r\n", ""
            return "Session: 1\r\n", ""

    with _running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"rtsp://127.0.0.1:{port}/live"


class _Relay(threading.Thread):
    """Takes RTP packets that ffmpeg sends to a local port and puts them into the RTSP connection (section 10.12)."""

    def __init__(self, watcher: socket.socket) -> None:
        super().__init__(daemon=True)
        self._watcher = watcher
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port = self._socket.getsockname()[1]

    def start(self, sender: subprocess.Popen[bytes]) -> None:  # type: ignore[override]
        self._sender = sender
        super().start()

    def run(self) -> None:
        try:
            while True:
                try:
                    packet = self._socket.recv(65_536)
                except TimeoutError:
                    if self._sender.poll() is not None:
                        break
                    continue
                self._watcher.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            self._watcher.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the watcher has seen enough
        finally:
            self._socket.close()


def _description(film: Path) -> str:
    """Return what ffmpeg would tell of the film's RTP stream (SDP), without sending it."""
    import imageio_ffmpeg

    words = ["-i", film, "-c", "copy", "-t", "0.1", "-f", "rtp", "-sdp_file", "/dev/stdout", "rtp://127.0.0.1:9"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "quiet", *map(str, words)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
    lines = [line.strip() for line in told.splitlines() if "=" in line]
    lines = [re.sub(r"^m=video \d+", "m=video 0", line) for line in lines]
    return "".join(f"{line}\r\n" for line in [*lines, "a=control:trackID=0"])


@contextmanager
def _running(server: socketserver.TCPServer) -> Iterator[int]:
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
