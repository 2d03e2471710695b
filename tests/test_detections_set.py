"""2D for training by a detector of ours: films matched to sequences, people to the truth, whole runs over films."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import make_film

from detectors.joints import COCO_17, H36M_17
from detectors.scripted import walker
from lifter.__main__ import main
from lifter.datasets.detections.films import Sight, find_films, match_films
from lifter.datasets.detections.sets import choose, detect, fitted, reference_of, taken
from lifter.datasets.poseset import Poses, PoseSet, read_poseset, sources, write_keypoints, write_poses
from lifter.errors import LifterError
from pipeline.adapter import adapt
from pipeline.video import VideoWriter
from render.drawn import DrawnFilm, demo_motion, look_at, squat

FRAMES, SIZE, FPS = 30, (320, 240), 25
RANDOM = np.random.default_rng(8)


def made_poses(
    positions: list[np.ndarray], size: tuple[int, int] = SIZE, fps: float = FPS, focal: float = 300
) -> Poses:
    count = len(positions)
    words = {
        name: np.array([f"{name} {i}/x" for i in range(count)])
        for name in ("names", "subjects", "actions", "cameras", "groups")
    }
    lengths = np.array([len(part) for part in positions])
    return Poses(
        positions=np.concatenate(positions).astype(np.float32), valid=np.ones(lengths.sum(), bool), lengths=lengths,
        **words, splits=np.array(["train", "test", "test"][:count]),
        sizes=np.tile(np.array(size, np.int32), (count, 1)),
        intrinsics=np.tile(np.array([focal, focal, (size[0] - 1) / 2, (size[1] - 1) / 2], np.float32), (count, 1)),
        fps=np.full(count, float(fps)), about={"dataset": "tiny"},
    )  # fmt: skip


def before_camera(keypoints: np.ndarray, depth: float = 4.0, focal: float = 300) -> np.ndarray:
    """Flat people (T, 17, 3) whose picture these pixels are."""
    flat = (keypoints - (np.array(SIZE) - 1) / 2) * depth / focal
    return np.concatenate([flat, np.full((*flat.shape[:-1], 1), depth)], axis=-1)


def walkers(seconds: float = 0.0) -> np.ndarray:
    """What the scripted detector sees in any film, as Human3.6M's joints."""
    coco = np.stack([walker(seconds + t / FPS, *SIZE) for t in range(FRAMES)])
    return adapt(coco, np.ones(coco.shape[:2], np.float32), COCO_17)[0]


def sight(
    *people: np.ndarray, valid: np.ndarray | None = None, size: tuple[int, int] = SIZE, fps: float = FPS
) -> Sight:
    keypoints = np.stack(people).astype(np.float32)
    ones = np.ones(keypoints.shape[:3], np.float32)
    return Sight(keypoints, ones, np.ones(keypoints.shape[:2], bool) if valid is None else valid, size, fps)


def test_the_person_meant_is_the_nearest_whoever_is_larger() -> None:
    right = walkers()
    other = right * 1.3 + [60, 0]
    near = right + RANDOM.normal(0, 2, right.shape)
    assert (choose(sight(other, near), right, np.ones(FRAMES, bool)) == 1).all()
    assert (choose(sight(near, other), right, np.ones(FRAMES, bool)) == 0).all()


def test_people_who_change_their_numbers_are_followed_and_strangers_are_nobody() -> None:
    right = walkers()
    far = right + np.array([0, 400])
    first, second = right.copy(), far.copy()
    first[12:], second[12:] = far[12:], right[12:]
    chosen = choose(sight(first, second), right, np.ones(FRAMES, bool))
    np.testing.assert_array_equal(chosen, (np.arange(FRAMES) >= 12).astype(int))
    assert (choose(sight(far), right, np.ones(FRAMES, bool)) == -1).all()
    nobody = sight(right)
    nobody = Sight(nobody.keypoints[:0], nobody.scores[:0], nobody.valid[:0], SIZE, FPS)
    assert (choose(nobody, right, np.ones(FRAMES, bool)) == -1).all()


def test_where_the_reference_is_bad_the_usual_person_is_taken() -> None:
    right = walkers()
    other = right * 1.2 + [80, 0]
    trusted = np.arange(FRAMES) % 10 == 0
    rubbish = np.where(trusted[:, None, None], right, 0).astype(np.float32)
    assert (choose(sight(other, right), rubbish, trusted) == 1).all()
    # No good frame at all: the larger one.
    assert (choose(sight(right, other), rubbish, np.zeros(FRAMES, bool)) == 1).all()


def test_frames_without_the_person_get_the_nearest_frame_with_it() -> None:
    right = walkers()
    for there in ([4], [4, 10, 11], list(range(FRAMES))):
        chosen = np.where(np.isin(np.arange(FRAMES), there), 0, -1)
        keypoints, scores, seen = taken(sight(right), chosen)
        np.testing.assert_array_equal(np.flatnonzero(seen), there)
        for t in range(FRAMES):  # the earlier one of two as near
            nearest = min(there, key=lambda other: (abs(other - t), other))
            np.testing.assert_array_equal(keypoints[t], right[nearest].astype(np.float32))
        np.testing.assert_array_equal(scores[:, 0], seen)


def test_films_are_cut_and_scaled_to_their_sequences() -> None:
    poses = made_poses([before_camera(walkers())])
    longer = np.concatenate([walkers(), walkers()[:5]])
    half = fitted(sight(longer / 2, size=(160, 120)), poses, 0, Path("a.mp4"))
    np.testing.assert_allclose(half.keypoints[0], walkers(), rtol=1e-6)
    for wrong, told in (
        (sight(walkers()[:20]), "20 frames, but"),
        (sight(walkers(), fps=50), "50 frames a second"),
        (sight(walkers(), size=(240, 320)), "240x320"),
    ):
        with pytest.raises(LifterError, match=f"a.mp4: .*{told}"):
            fitted(wrong, poses, 0, Path("a.mp4"))


def test_the_reference_is_the_projection_and_a_film_without_the_person_is_told() -> None:
    poses = made_poses([before_camera(walkers()), before_camera(walkers(2.0))])
    reference = reference_of(poses)
    np.testing.assert_allclose(reference.keypoints, np.concatenate([walkers(), walkers(2.0)]), atol=1e-3)
    films = {name: Path(f"{number}.mp4") for number, name in enumerate(poses.names.tolist())}
    told: list[str] = []
    made = detect(reference, films, "mine", lambda film: sight(walkers(2.0 * int(film.stem)) + 1), told.append)
    np.testing.assert_allclose(made.keypoints, reference.keypoints + 1, atol=1e-3)
    assert made.source == "mine" and made.seen.all() and told[0] == "names 0/x: found in 30 of 30 frames"
    with pytest.raises(LifterError, match=r"1\.mp4: the person of 'names 1/x' is not found"):
        detect(reference, films, "mine", lambda film: sight(walkers(2.0 * int(film.stem)) + 400 * int(film.stem)))


def test_films_find_their_sequences(tmp_path: Path) -> None:
    names = ["S1/Walking 1/cam", "S1/Sitting/cam"]
    for stem in ("S1_Walking_1_cam", "b"):
        (tmp_path / f"{stem}.mp4").touch()
    films = find_films([tmp_path])
    assert [film.stem for film in films] == ["S1_Walking_1_cam", "b"]
    assert match_films(names, films[:1]) == {names[0]: films[0]} == match_films(names, films, partial=True)
    with pytest.raises(LifterError, match=r"b\.mp4: its name is no sequence's"):
        match_films(names, films)
    table = tmp_path / "match.csv"
    table.write_text("film,sequence\nb.mp4, S1/Walking 1/cam\nS1_Walking_1_cam,S1/Sitting/cam\n")
    assert match_films(names, films, table) == {names[0]: films[1], names[1]: films[0]}
    for rows, told in (
        ("b,S1/Walking 1/cam\nb,S1/Sitting/cam", "several films"), ("b", "film,sequence wanted"),
        ("c.mp4,S1/Sitting/cam", "no such film"), ("b,S1/Eating", "no sequence 'S1/Eating'"), ("", "no film fits"),
        ("b,S1/Sitting/cam\nS1_Walking_1_cam,S1/Sitting/cam", "already"),
    ):  # fmt: skip
        table.write_text(rows)
        with pytest.raises(LifterError, match=told):
            match_films(names, films, table)
    with pytest.raises(LifterError, match="would have one film"):
        match_films(["a b", "a/b"], films)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.avi").touch()
    with pytest.raises(LifterError, match="same name"):
        find_films([tmp_path])
    with pytest.raises(LifterError, match="no such film"):
        find_films([tmp_path / "x.mp4"])


def written(folder: Path, poses: Poses) -> Path:
    write_poses(folder, poses)
    write_keypoints(folder, reference_of(poses))
    return folder


def prepare(*words: object) -> int:
    return main(["prepare", "detections", *map(str, words)])


def test_the_scripted_detector_over_a_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two sequences, one film (longer than its sequence): refused, then made of the part that has a film."""
    data = written(tmp_path / "set", made_poses([before_camera(walkers()), before_camera(walkers())]))
    (tmp_path / "films").mkdir()
    make_film(tmp_path / "films" / "names_1_x.mp4", FRAMES + 3, SIZE, rate=FPS)
    words = ["--detector", "scripted", "--data", data, "--films", tmp_path / "films", "--pass", "--device cpu"]
    assert prepare(*words, "--out", tmp_path / "out") == 1
    assert "1 sequences have no film, 'names 0/x' the first" in capsys.readouterr().err
    assert prepare(*words, "--out", data, "--partial") == 1
    assert "needs an --out of its own" in capsys.readouterr().err
    assert prepare(*words, "--out", tmp_path / "out", "--partial") == 0
    assert "30 of 30 frames" in capsys.readouterr().out
    assert sources(tmp_path / "out") == ["gt", "scripted"] and sources(data) == ["gt"]
    made = read_poseset(tmp_path / "out", "scripted")
    assert made.poses.names.tolist() == ["names 1/x"] and made.seen.all()
    np.testing.assert_allclose(made.keypoints, walkers(), atol=0.05)
    assert made.scores.min() > 0.8


def drawn() -> DrawnFilm:
    camera = look_at((3.6, 0.5, 1.3), (0, 0, 0.95), 300, SIZE)
    second = squat(1.2, FPS)[:FRAMES] + np.array([0.2, -1.1, 0], np.float32)
    return DrawnFilm([demo_motion(1.2, FPS)[:FRAMES], second], camera, fps=FPS)


def test_key_points_made_elsewhere_over_a_drawn_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two drawn people in one film; the second sequence is the second person, who is gone for some frames."""
    film = drawn()
    assert len(film) == FRAMES
    poses = made_poses([film.positions_camera[1]])
    data = written(tmp_path / "set", poses)
    np.testing.assert_allclose(reference_of(poses).keypoints, film.keypoints[1], atol=0.01)
    with VideoWriter(tmp_path / "names_0_x.mp4", SIZE, fps=Fraction(FPS)) as writer:
        for picture in film:
            writer.write(picture)
    valid = np.ones((2, FRAMES), bool)
    valid[1, 24:] = False
    boxes = np.concatenate([film.keypoints.min(2), film.keypoints.max(2)], axis=-1)
    np.savez(tmp_path / "names_0_x.npz", keypoints=film.keypoints, scores=np.full((2, FRAMES, 17), 0.9, np.float32),
             boxes=boxes, valid=valid, joints=np.array(H36M_17))  # fmt: skip
    words = [
        "--detector",
        "file",
        "--name",
        "truth",
        "--data",
        data,
        "--out",
        data,
        "--films",
        tmp_path / "names_0_x.mp4",
    ]
    assert prepare(*words, "--pass", f"--device cpu --keypoints {tmp_path}/{{stem}}.npz") == 0
    made = read_poseset(data, "truth")
    gone = ~made.seen
    assert gone.any() and (np.flatnonzero(gone) >= 24).all() and (made.scores[gone] == 0).all()
    error = np.linalg.norm(made.keypoints - film.keypoints[1], axis=-1)
    assert error[made.seen].max() < 1.0 and np.ptp(made.keypoints[gone], axis=0).max() == 0
    # What the pipeline says when it fails is told, in its own line.
    capsys.readouterr()
    assert prepare(*words, "--pass", f"--keypoints {tmp_path}/none.npz") == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "names_0_x.mp4" in told and "none.npz" in told


@pytest.mark.parametrize(
    "words, told",
    [(["--name", "gt"], "--name gt"), (["--name", "a/b"], "--name a/b"), (["--pass", "'"], "--pass '"),
     (["--films", "none"], "none")],
)  # fmt: skip
def test_bad_words_are_one_line(
    tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = written(tmp_path / "set", made_poses([before_camera(walkers())]))
    (tmp_path / "names_0_x.mp4").touch()
    given = ["--detector", "scripted", "--data", data, "--films", tmp_path / "names_0_x.mp4", "--out", data, *words]
    assert prepare(*given) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and told in error and error.count("\n") == 1


def test_key_points_of_another_set_are_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    poses = made_poses([before_camera(walkers())])
    write_poses(tmp_path, poses)
    other = made_poses([before_camera(walkers()), before_camera(walkers())])
    ones = np.ones((2 * FRAMES, 17), np.float32)
    write_keypoints(tmp_path, PoseSet(other, "gt", np.concatenate([walkers()] * 2), ones, np.ones(2 * FRAMES, bool)))
    (tmp_path / "names_0_x.mp4").touch()
    assert prepare("--detector", "scripted", "--data", tmp_path, "--films", tmp_path, "--out", tmp_path) == 1
    assert "made for other sequences" in capsys.readouterr().err
