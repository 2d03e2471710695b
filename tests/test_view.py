"""The viewer's page without a browser: what is in it, that nothing else is asked for, and every bad input."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import number_of
from kept_runs import SIZE, even, uneven, walkers, write_film, write_run
from test_run import make_film

from lifter import joints
from pipeline.cli import main
from pipeline.poses import Pose3D
from pipeline.store import content_hash
from pipeline.video import VideoReader, probe
from pipeline.view.angles import ANGLES, inner_angles
from pipeline.view.film import find_source
from pipeline.view.payload import pack
from pipeline.view.trust import low_trust, runs

VIEW = Path(__file__).parents[1] / "pipeline" / "view"
HOSTILE = "a</script><img src=x onerror=alert(1)>&\"'{{script}}<!--.mp4"


class Page(HTMLParser):
    """Everything in a page: elements by name, texts of those with an id, scripts that run, texts of styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, attrs = self._open[-1] if self._open else ("", {})
        if attrs.get("id"):
            self.texts[str(attrs["id"])] = self.texts.get(str(attrs["id"]), "") + data
        if tag == "title":
            self.texts["<title>"] = data
        if tag == "script" and "type" not in attrs:
            self.scripts.append(data)
        if tag == "style":
            self.styles.append(data)

    def head(self) -> dict[str, Any]:
        return dict(json.loads(self.texts["head"]))

    def array(self, name: str) -> np.ndarray:
        about = self.head()["arrays"][name]
        raw = base64.b64decode(self.texts.get(f"array-{name}", ""))
        return np.frombuffer(raw, about["type"]).reshape(about["shape"])

    def film(self) -> bytes:
        return base64.b64decode(self.texts.get("film-data", ""))

    def policy(self) -> dict[str, list[str]]:
        (meta,) = [a for tag, a in self.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
        words = [rule.split() for rule in str(meta["content"]).split(";")]
        return {name: values for name, *values in words}


def view(folder: Path, *flags: str) -> Page:
    assert main(["view", str(folder), "--quiet", *flags]) == 0
    return Page((folder / "view.html").read_text(encoding="utf-8"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    times = uneven(40)
    film = write_film(tmp_path / "walk.mp4", times)
    return write_run(tmp_path / "runs" / "walk", walkers(times, people=2), film)


def test_the_page_holds_the_run(run: Path, tmp_path: Path) -> None:
    page, pose = view(run, "--film", str(tmp_path / "walk.mp4")), walkers(uneven(40), people=2)
    head = page.head()
    assert head["title"] == "walk.mp4" and head["size"] == list(SIZE) and head["fps"] == 25
    np.testing.assert_array_equal(page.array("times"), pose.timestamps)
    assert [(p["first"], p["count"], p["row"]) for p in head["people"]] == [(0, 40, 0), (10, 20, 40)]
    assert page.array("valid").all() and len(page.array("valid")) == 60
    for name, truth in {"scores": pose.scores, "keypoints": pose.keypoints}.items():
        unit = {"scores": 1 / 255}.get(name) or head["scales"][name]
        rows = np.concatenate([truth[0], truth[1, 10:30]])
        np.testing.assert_allclose(page.array(name) * unit, rows, atol=0.51 * unit)
    world = page.array("positions") * head["scales"]["positions"]
    # The room is the camera's upright world, moved: distances stay, and the lowest joint is near the floor.
    apart = np.linalg.norm(world[:40, 10] - world[:40, 3], axis=-1)
    truth = np.linalg.norm(pose.positions[0, :, 10] - pose.positions[0, :, 3], axis=-1)
    np.testing.assert_allclose(apart, truth, atol=2e-3)
    assert abs(np.median(world[:40, :, 2].min(axis=1))) < 0.05


def test_the_page_asks_for_nothing_and_runs_only_its_own_scripts(run: Path) -> None:
    page = view(run, "--no-film")
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img"), tag
        assert not {"src", "href", "style", "srcset"} & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
    rules = page.policy()
    assert rules["default-src"] == ["'none'"]
    digests = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in page.scripts]
    assert len(page.scripts) == 2 and rules["script-src"] == digests
    (style,) = page.styles
    assert rules["style-src"] == [f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"]
    assert "url(" not in style and "@import" not in style


def test_names_from_files_stay_text(tmp_path: Path) -> None:
    times = even(4)
    page = view(write_run(tmp_path / "run", walkers(times), name=HOSTILE), "--no-film")
    plain = view(write_run(tmp_path / "plain", walkers(times), name="plain.mp4"), "--no-film")
    assert page.head()["title"] == HOSTILE and page.texts["title"] == HOSTILE
    assert page.texts["<title>"] == f"{HOSTILE} in 3D"
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert page.scripts == plain.scripts


def test_the_film_inside_has_the_runs_frames_and_times(run: Path, tmp_path: Path) -> None:
    page = view(run, "--film", str(tmp_path / "walk.mp4"))
    (tmp_path / "inside.mp4").write_bytes(page.film())
    frames = list(VideoReader(probe(tmp_path / "inside.mp4")))
    assert [number_of(frame) for _, frame in frames] == list(range(40))
    np.testing.assert_allclose([seconds for seconds, _ in frames], uneven(40), atol=1e-6)
    assert page.head()["film"] == {"kind": "inside", "sound": False, "drawn": False}


def test_the_source_is_found_by_content(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = content_hash(tmp_path / "walk.mp4")
    monkeypatch.chdir(tmp_path)
    assert find_source(None, "walk.mp4", sha256) == Path("walk.mp4")
    assert find_source(None, "../elsewhere/walk.mp4", sha256) == Path("walk.mp4")
    assert find_source(None, "walk.mp4", "0" * 64) is None
    assert view(run).head()["film"]["kind"] == "inside"
    monkeypatch.chdir(run)
    assert view(run).head()["film"] == {"kind": "none"}  # neither the source nor a rendered film


@pytest.mark.parametrize(("flags", "size"), [([], (96, 72)), (["--max-height", "36"], (48, 36))])
def test_of_the_rendered_film_the_picture_is_taken(tmp_path: Path, flags: list[str], size: tuple[int, int]) -> None:
    """Drawn by the renderer itself: what is cut out is the picture, as large as it was drawn."""
    film = make_film(tmp_path / "films" / "plain.mp4", frames=6, size=(96, 72), shade=200)
    given = ["--detector", "scripted", "--output", str(tmp_path / "out"), "--quiet"]
    assert main(["run", str(film), *given, *flags]) == 0
    page = view(tmp_path / "out" / "plain")
    assert page.head()["film"] == {"kind": "inside", "sound": False, "drawn": True}
    (tmp_path / "inside.mp4").write_bytes(page.film())
    clip = probe(tmp_path / "inside.mp4")
    assert clip.size == size
    frames = [frame for _, frame in VideoReader(clip)]
    assert len(frames) == 6
    assert frames[0][:, -3:].mean() > 150  # the room beside it is dark


def test_a_large_film_is_left_beside(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = ["--film", str(tmp_path / "walk.mp4")]
    assert main(["view", str(run), *film, "--limit", "0.0001"]) == 0
    told = capsys.readouterr()
    assert "left beside the page (--limit 0.0001)" in told.err and "view_film.mp4" in told.out
    page = Page((run / "view.html").read_text())
    about = page.head()["film"]
    assert (about["kind"], about["url"]) == ("beside", "view_film.mp4") and not page.film()
    assert len(list(VideoReader(probe(run / "view_film.mp4")))) == 40
    assert page.policy()["media-src"] == ["blob:", "file:", "'self'"]
    assert view(run, *film, "--beside").head()["film"]["kind"] == "beside"
    assert view(run, *film).policy()["media-src"] == ["blob:"]


def test_data_costs_what_is_seen(tmp_path: Path) -> None:
    """A row is 240 bytes, a third more in base64; a page of many people who come and go is not people x frames."""
    times = even(3000)
    pose = walkers(times, people=6)
    valid = np.zeros_like(pose.valid)
    for person in range(6):
        valid[person, 100 * person : 100 * person + 50] = True
    few = Pose3D(**{**vars(pose), "valid": valid})
    payload = pack("many", few, pose.positions, SIZE, 25)
    assert sum(array.nbytes for array in payload.arrays.values()) == 3000 * 8 + 300 * (17 * 11 + 1 + 16)
    base = write_run(tmp_path / "run", walkers(even(2)))
    view(base, "--no-film")
    assert (base / "view.html").stat().st_size < 700_000


def test_nobody_and_no_frame_still_make_a_page(tmp_path: Path) -> None:
    page = view(write_run(tmp_path / "nobody", walkers(even(5), people=0)), "--no-film")
    assert page.head()["people"] == [] and page.array("positions").shape == (0, 17, 3)
    assert page.head()["spans"] == []


def test_inner_angles_of_known_limbs() -> None:
    """Fold the right elbow and knee by chosen angles in planes of their own; turning and moving changes nothing."""
    body = np.zeros((17, 3))
    at = {name: joints.NAMES.index(name) for name in joints.NAMES}
    for degrees in (0.001, 30.0, 90.0, 179.9, 180.0):
        bend = np.radians(degrees)
        body[at["right_shoulder"]], body[at["right_elbow"]] = (0, 0, 0), (0, 0, -0.3)
        body[at["right_wrist"]] = body[at["right_elbow"]] + 0.25 * np.array([np.sin(bend), 0, np.cos(bend)])
        turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
        found = inner_angles(body @ turn.T + 4.2)[ANGLES.index(("elbow", "right"))]
        assert found == pytest.approx(degrees, abs=1e-6)
    assert np.isnan(inner_angles(np.zeros((2, 17, 3)))).all()


def test_angles_know_left_from_right() -> None:
    body = walkers(even(1)).positions[0, 0].copy()
    body[joints.NAMES.index("left_wrist")] = body[joints.NAMES.index("left_elbow")] + [0.2, 0, 0]
    angles, mirrored = inner_angles(body), inner_angles(joints.mirror(body))
    swap = [ANGLES.index((name, "right" if side == "left" else "left")) for name, side in ANGLES]
    np.testing.assert_allclose(mirrored, angles[swap], atol=1e-4)
    assert abs(angles[ANGLES.index(("elbow", "left"))] - angles[ANGLES.index(("elbow", "right"))]) > 20


def test_low_trust_is_what_was_hidden_unsure_or_swapped() -> None:
    pose = walkers(even(160), people=2)
    scores = pose.scores.copy()
    scores[1, 50:80, [joints.NAMES.index("right_knee"), joints.NAMES.index("right_ankle")]] = 0.2
    scores[1, 0:30] = 0  # out of track: nobody is there to distrust
    told = {(s.person, s.part, s.why): (s.first, s.last) for s in low_trust(Pose3D(**{**vars(pose), "scores": scores}))}
    assert told == {
        (0, "left arm", "hidden"): (80, 99),
        (0, "whole body", "left and right swapped back"): (140, 159),
        (1, "right leg", "unsure"): (50, 79),
    }


def test_runs_join_near_ones_and_drop_short_ones() -> None:
    flags = np.zeros(100, bool)
    flags[[10, 11, 12, 14, 15, 40, 80, 81, 82, 83]] = True
    assert runs(flags, even(100)) == [(10, 15), (80, 83)]
    assert runs(flags[:0], even(0)) == []
    assert runs(np.array([True]), np.zeros(1)) == [(0, 0)]
    # Seconds count, not frames: of a film with a frame a second, every one is long.
    assert runs(flags, np.arange(100.0)) == [(10, 12), (14, 15), (40, 40), (80, 83)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: not there; name the folder of a run"),
        (["film.txt"], "film.txt: a file; name the folder of a run"),
        (["empty"], "holds no pose3d.npz"),
        (["run", "--film", "film.txt"], "not the film this run was made from"),
        (["run", "--output", "empty"], "a folder; name the page"),
        (["run", "--output", "page.mp4"], "a page's name ends in .html"),
        (["run", "--no-film", "--output", "no/such/page.html"], "cannot be written"),
        (["run", "--limit", "-1"], "megabytes wanted"),
        (["run", "--limit", "nan"], "megabytes wanted"),
        (["run", "--film", "film.txt", "--no-film"], "drop one"),
        (["damaged"], "run detect or lift again"),
        (["sizeless"], "does not tell the film's size"),
    ],
)
def test_bad_input_gets_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline.store import save_pose

    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("film.txt").write_text("no film")
    write_run(Path("run"), walkers(even(3)))
    write_run(Path("damaged"), walkers(even(3)))
    Path("damaged/pose3d.npz").write_bytes(b"PK")
    write_run(Path("sizeless"), walkers(even(3)))
    save_pose(Path("sizeless/pose3d.npz"), walkers(even(3)))
    assert main(["view", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line


def test_a_film_of_another_length_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = write_film(tmp_path / "short.mp4", even(8))
    run = write_run(tmp_path / "run", walkers(even(9)), film)
    assert main(["view", str(run), "--film", str(film)]) == 1
    assert "has 8 frames, the poses have 9" in capsys.readouterr().err
    assert not (run / "view.html").exists()


def test_the_library_is_the_one_that_its_notes_name() -> None:
    library = VIEW / "vendor" / "three.min.js"
    digest, name = (VIEW / "vendor" / "three.min.js.sha256").read_text().split()
    assert (digest, name) == (content_hash(library), library.name)
    text = library.read_text(encoding="utf-8")
    version = json.loads((VIEW / "vendor" / "package.json").read_text())["devDependencies"]["three"]
    assert f'"{version.split(".")[1]}"' in text  # its REVISION
    assert "</script" not in text and "<!--" not in text  # would end the element it stands in
    assert "MIT License" in (VIEW / "vendor" / "three.LICENSE").read_text()
    wanted = set(re.findall(r"\b[A-Z]\w+", re.sub(r"//.*", "", (VIEW / "vendor" / "entry.js").read_text())))
    used = {name for file in (VIEW / "page").glob("*.js") for name in re.findall(r"THREE\.(\w+)", file.read_text())}
    assert used == wanted


def test_every_script_of_the_page_is_put_in() -> None:
    from pipeline.view.document import SCRIPTS

    assert sorted(file.stem for file in (VIEW / "page").glob("*.js")) == sorted(SCRIPTS)
    for file in (VIEW / "page").iterdir():
        assert "innerHTML" not in file.read_text() and len(file.read_text().splitlines()) < 250, file
