"""Files from outside that mean harm: too large when unpacked, reaching for other files, filling the memory."""

from __future__ import annotations

import json
import math
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
import toy_models
from films import make_film, numbered
from kept_runs import even, walkers, write_run

from detectors.base import DetectorError, DetectorOptions
from detectors.onnx_runtime import load
from lifter.errors import LifterError
from pipeline import reading, store
from pipeline.camera import read_camera
from pipeline.cli import main
from pipeline.errors import PipelineError, StoreError, VideoError
from pipeline.folder import RunFolder
from pipeline.reference import read_reference
from pipeline.settings import read_config, resolve
from pipeline.video import probe
from pipeline.video.decode import CONTAINERS
from pipeline.view.kept import open_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "film", walkers(even(8)))


def readers(path: Path) -> Iterator[str]:
    """Yield what each reader of an archive of arrays says against it."""
    for read in (store.load_pose2d, store.load_pose3d, read_reference, store.read_cut):
        with pytest.raises(PipelineError) as caught:
            read(path)
        yield str(caught.value)
    assert store.read_about(path, "fingerprint") == ""


def test_archives_that_unpack_to_too_much_are_refused_before_they_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", cut=np.zeros(2_000_000))
    assert (tmp_path / "a.npz").stat().st_size < 20_000
    monkeypatch.setattr(reading, "LARGEST_ARRAYS_BYTES", 1_000_000)
    assert all("unpacks to" in line for line in readers(tmp_path / "a.npz"))


def test_what_may_be_is_no_more_than_this_machine_holds() -> None:
    assert 0 < reading.largest() <= reading.LARGEST_ARRAYS_BYTES


@pytest.mark.parametrize("shape", ["(99999999999, 9)", "(4000000,)", "(-5,)"])
def test_headers_that_claim_more_than_the_file_holds_are_refused(shape: str, run: Path) -> None:
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    bomb = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    with zipfile.ZipFile(run / "pose3d.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in ("positions.npy", "size.npy", "cut.npy"):
        with zipfile.ZipFile(run / "pose3d.npz", "w") as archive:
            for member, content in {**members, name: bomb}.items():
                archive.writestr(member, content)
        with pytest.raises(StoreError) as caught:
            store.read_cut(run / "pose3d.npz")
            open_run(run)
        assert "\n" not in str(caught.value) and ("-5" in shape or "claims" in str(caught.value))


def test_archives_of_very_many_members_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{f"a{index}": np.zeros(1) for index in range(300)})
    assert all("300 members" in line for line in readers(tmp_path / "a.npz"))


def test_texts_that_are_too_large_are_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reading, "LARGEST_TOML_BYTES", 100)
    (tmp_path / "a.toml").write_text("every = 2\n" + "#" * 100)
    for read in (read_config, read_camera):
        with pytest.raises(PipelineError, match="larger than 100 bytes"):
            read(tmp_path / "a.toml")
    monkeypatch.setattr("pipeline.folder.LARGEST_RECORD_BYTES", 30)
    assert RunFolder(run, "film").read_record() == {}


@pytest.mark.parametrize(
    "text", ["every = " + "[" * 5000, "[" + "a." * 5000, '"\\uDFFF" = 1', "a = 1\na = 2", "\0", "é = 1"]
)
def test_toml_that_is_none_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(text.encode("latin1"))
    for read in (read_config, read_camera):
        with pytest.raises(PipelineError) as caught:
            read(tmp_path / "a.toml")
        assert "a.toml" in str(caught.value)


def test_settings_name_things_and_run_none(tmp_path: Path) -> None:
    """Only names of detectors, lifters and files can be given; none of them is a module's."""
    config = tmp_path / "a.toml"
    config.write_text('[detector]\nname = "os:system"\n[lifter]\nname = "os.system"\nadapter = "os"\n')
    from detectors import registry
    from lifter import shipped

    settings = resolve(read_config(config))
    with pytest.raises(DetectorError, match="no detector 'os:system'"):
        registry.create(settings.detector, DetectorOptions())
    with pytest.raises(LifterError, match=r"os\.system"):
        shipped.find(settings.lifter)


@pytest.mark.parametrize(
    "lens",
    [[math.nan, None, None], [None, math.inf, None], [None, -5, None], [60, None, [math.nan, 3]], "abc", [60], {}],
)
def test_a_lens_that_is_none_is_unknown(lens: object, run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "settings": {"lift": {"lens": lens}}}))
    assert open_run(run).camera.lens == (None, None, None)
    (run / "run.json").write_text(json.dumps({**record, "settings": {"lift": {"lens": [60.0, None, [40, 30.5]]}}}))
    assert open_run(run).camera.lens == (60.0, None, (40.0, 30.5))


LISTS = {
    "a.ffconcat": "ffconcat version 1.0\nfile real.ts\n", "a.mp4": "ffconcat version 1.0\nfile 'real.ts'\n",
    "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nreal.ts\n#EXT-X-ENDLIST\n",
    "b.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nconcat:real.ts|real.ts\n#EXT-X-ENDLIST\n",
    "a.mpd": '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static"></MPD>',
    "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    "a.idx": "# VobSub index file, v7 (do not modify this line!)\nsize: 4x4\n", "a%d.png": "", "a.txt": "\x1b[2J" * 200,
    "a.avs": 'DirectShowSource("real.ts")\n', "a.vpy": "import os\n", "a.xml": "<x/>", "a.ass": "[Script Info]\n",
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_films_opens_no_other_file(name: str, tmp_path: Path) -> None:
    make_film(tmp_path / "real.ts")
    make_film(tmp_path / "a1.png", 1, codec="png", pix_fmt="rgb24")
    (tmp_path / name).write_text(LISTS[name] or "text")
    with pytest.raises(VideoError) as caught:
        probe(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_only_known_containers_are_read(tmp_path: Path) -> None:
    """A film that FFmpeg reads, in the format of a program of the nineties."""
    film = tmp_path / "a.mp4"
    with av.open(str(film), "w", format="smjpeg") as made:
        pictures = made.add_stream("mjpeg", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuvj420p"
        for index in range(3):
            made.mux(pictures.encode(av.VideoFrame.from_ndarray(numbered(index), format="rgb24")))
    with av.open(str(film)) as read:
        assert read.format.name == "smjpeg"
    with pytest.raises(VideoError, match="not a video that can be read"):
        probe(film)
    known = {part for name in av.formats_available for part in name.split(",")}
    assert set(CONTAINERS) <= known


def test_a_stream_cannot_ask_for_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = make_film(tmp_path / "secret.ts")
    lines = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/a.m3u8" else 404)
            self.send_header("Content-Type", "application/vnd.apple.mpegurl")
            self.end_headers()
            self.wfile.write(lines.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/a.m3u8"
        assert main(["live", address, "--no-show", "--detector", "scripted", "--seconds", "5"]) == 1
    finally:
        server.shutdown()
        server.server_close()
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("location", ["*/_ORT_MEM_ADDR_/*", "a\\b", "a*b"])
def test_weights_are_never_an_address_in_memory(location: str, tmp_path: Path) -> None:
    model = toy_models.external_model(tmp_path / "pose.onnx", location)
    (tmp_path / location).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / location).write_bytes(bytes(17 * 3 * 4))
    for runtime in ("by kind", "openvino"):
        with pytest.raises(DetectorError, match="no plain name of a file"):
            load(model, runtime)


def test_weights_of_an_xml_lie_beside_it_and_are_no_larger_than_a_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(10))
    (folder / "a.xml").write_text("<net/>")
    (folder / "a.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(DetectorError, match="outside its folder"):
        load(folder / "a.xml")
    (folder / "a.bin").unlink()
    (folder / "a.bin").write_bytes(bytes(10))
    monkeypatch.setattr("detectors.onnx_runtime.MAX_BYTES", 9)
    with pytest.raises(DetectorError, match="larger than"):
        load(folder / "a.xml")


@pytest.mark.parametrize(
    ("type", "model"),
    [
        ("ugcn", {"widths": [10**6] * 5}), ("ugcn", {"widths": [10**18] * 5}), ("tcn", {"channels": 10**6}),
        ("tcn", {"filters": [1] * 10**5}), ("fully_connected", {"width": 10**6}),
        ("fully_connected", {"blocks": 10**9}),
    ],
    ids=["wide", "beyond numbers", "channels", "filters", "width", "blocks"],
)  # fmt: skip
def test_settings_of_a_giant_network_are_refused_before_it_is_made(type: str, model: dict, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from lifter import joints, weights

    about = {"format": weights.FORMAT, "type": type, "model": model, "recipe": {}, "joints": joints.NAMES}
    save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors", {"about": json.dumps(about)})
    with pytest.raises(LifterError, match=r"larger than any|a hundred|0 to 100|overflow|invalid|size"):
        weights.load(tmp_path / "a.safetensors")


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    import torch

    from lifter import weights
    from lifter.networks import build

    network = build("fully_connected", {"width": 4, "blocks": 0})
    with torch.no_grad():
        next(network.parameters()).view(-1)[0] = math.nan
    weights.save(tmp_path / "a.safetensors", network, weights.Recipe())
    with pytest.raises(LifterError, match="not finite"):
        weights.load(tmp_path / "a.safetensors")


def test_training_configs_are_told_to_be_programs(capsys: pytest.CaptureFixture[str]) -> None:
    from lifter.__main__ import main as laboratory

    with pytest.raises(SystemExit):
        laboratory(["train", "--help"])
    assert "is a program" in " ".join(capsys.readouterr().out.split())


def test_a_name_that_begins_with_a_tilde_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.batch.films import find_films

    monkeypatch.chdir(tmp_path)
    (tmp_path / "~nobody.mp4").touch()
    assert [film.path for film in find_films(["~nobody.mp4"], None, tmp_path / "runs")] == [Path("~nobody.mp4")]
    with pytest.raises(PipelineError, match="no file"):
        read_camera("~nobody")
