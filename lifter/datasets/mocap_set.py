"""Motion capture filmed by cameras that are not there: recordings become sequences with 3D and 2D (`PoseSet`)."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter.datasets import studio
from lifter.datasets.filming import CameraRange, new_bodies, random_cameras
from lifter.datasets.mocap import RATE_HZ, canonical
from lifter.datasets.noise import NoiseSettings, add_noise
from lifter.datasets.poseset import SPLITS, Poses, PoseSet
from lifter.datasets.recordings import Recording
from lifter.errors import LifterError
from lifter.screen import to_person

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CAMERAS = ("studio", "wild")
BODIES = ("random", "recorded")
KEYPOINTS = ("gt", "noisy")
# The picture that `wild` cameras make of the pinhole at focal length 1.
WILD_SIZE, WILD_INTRINSICS = (2000, 2000), (1000.0, 1000.0, 1000.0, 1000.0)
WILD_SEED = 2020
# Ten exercises by ten people are most frames there are: with these shares they are a third of the training windows.
BALANCED = {"uiprmd": 0.25}


@dataclass(frozen=True)
class FilmingSettings:
    """How recordings are filmed.

    Attributes:
        cameras: `studio`, fixed cameras about each recording as in Human3.6M; or `wild`, held by anyone anyhow
            (`CameraRange`), which follow the person: the pelvis keeps one place in front of them.
        views: cameras of each recording; 0 means 4 for studio, 1 for wild.
        bodies: `random` gives every training sequence the body of a random adult; `recorded` keeps all as they are.
        keypoints: 2D sources to make: `gt`, the exact projection, and `noisy`, as a detector would err.
        splits: which of train, validation and test to make.
        shares: group name prefix -> share of its training recordings to keep.
        seed: of all that is drawn.
    """

    cameras: str = "studio"
    views: int = 0
    bodies: str = "random"
    keypoints: tuple[str, ...] = ("gt",)
    splits: tuple[str, ...] = SPLITS
    shares: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, given, known in (
            ("cameras", (self.cameras,), CAMERAS),
            ("bodies", (self.bodies,), BODIES),
            ("keypoints", self.keypoints, KEYPOINTS),
            ("splits", self.splits, SPLITS),
        ):
            if not given or not set(given) <= set(known):
                raise LifterError(f"{name}: {', '.join(known)} wanted, got {', '.join(given) or 'nothing'}")
        if not 0 <= self.views <= 100 or self.seed < 0:
            raise LifterError(f"views from 1 to 100 and a seed from 0 wanted, got {self.views} and {self.seed}")
        if bad := [group for group, share in self.shares.items() if not 0 <= share <= 1]:
            raise LifterError(f"share: {bad[0]}={self.shares[bad[0]]}; a fraction from 0 to 1 wanted")

    @property
    def count(self) -> int:
        """Cameras of each recording."""
        return self.views or {"studio": 4, "wild": 1}[self.cameras]


@dataclass(frozen=True)
class Shot:
    """One recording seen by one camera: (T, 17, 3) metres in its axes, and (T, 17, 2) pixels of each 2D source."""

    camera: str
    positions: Floats
    keypoints: Mapping[str, Floats]


def film_recordings(
    recordings: list[Recording], settings: FilmingSettings, progress: Callable[[Recording], None] = lambda _: None
) -> list[PoseSet]:
    """Film all recordings; return a `PoseSet` of each 2D source, all with the same poses.

    Raises:
        LifterError: nothing is left to film, or a share names no group.
    """
    columns: dict[str, list[Any]] = defaultdict(list)
    positions: list[Floats] = []
    keypoints: dict[str, list[Floats]] = {source: [] for source in settings.keypoints}
    for split in settings.splits:
        for number, recording in enumerate(chosen(recordings, split, settings.shares)):
            for shot in shots(recording, number, settings):
                positions.append(shot.positions)
                for source, list_ in keypoints.items():
                    list_.append(shot.keypoints[source])
                columns["names"].append(f"{recording.group}/{recording.name}/{shot.camera}")
                columns["cameras"].append(shot.camera)
                for name in ("subject", "action", "group", "split"):
                    columns[f"{name}s"].append(getattr(recording, name))
            progress(recording)
    if not positions:
        raise LifterError(f"no recording is left to film: splits {', '.join(settings.splits)}")
    poses = _poses(positions, columns, settings)
    whole = np.ones(len(poses.positions), bool)
    scores = np.ones(poses.positions.shape[:2], np.float32)
    return [PoseSet(poses, source, np.concatenate(list_), scores, whole) for source, list_ in keypoints.items()]


def _poses(positions: list[Floats], columns: Mapping[str, list[Any]], settings: FilmingSettings) -> Poses:
    count = len(positions)
    size, intrinsics = (
        (studio.SIZE, studio.INTRINSICS) if settings.cameras == "studio" else (WILD_SIZE, WILD_INTRINSICS)
    )
    together = np.concatenate(positions)
    return Poses(
        positions=together,
        valid=np.ones(len(together), bool),
        lengths=np.array([len(part) for part in positions], np.int64),
        **{name: np.array(values, np.str_) for name, values in columns.items()},
        sizes=np.tile(np.array(size, np.int32), (count, 1)),
        intrinsics=np.tile(np.array(intrinsics, np.float32), (count, 1)),
        fps=np.full(count, RATE_HZ),
        about={
            "dataset": "motion capture",
            "protocol": f"{settings.cameras} cameras, {settings.count} a recording; training bodies: {settings.bodies};"
            " pelvis midway between the hips, spine and thorax redefined alike for every set",
            "units": "metres, pixels",
            "seed": settings.seed,
        },
    )


def default_shares(recordings: list[Recording]) -> dict[str, float]:
    """The shares that balance the known collections, of those that are there."""
    return {
        prefix: share
        for prefix, share in BALANCED.items()
        if any(recording.group.startswith(prefix) for recording in recordings)
    }


def chosen(recordings: list[Recording], split: str, shares: Mapping[str, float]) -> list[Recording]:
    """The recordings of a split; of the training split, the wanted share of each group, always the same ones."""
    groups = {recording.group for recording in recordings}
    if unknown := [prefix for prefix in shares if not any(group.startswith(prefix) for group in groups)]:
        raise LifterError(f"share: there is no group {unknown[0]!r} (there are: {', '.join(sorted(groups))})")

    def kept(recording: Recording) -> bool:
        share = next((value for prefix, value in shares.items() if recording.group.startswith(prefix)), 1.0)
        return split != "train" or zlib.crc32(recording.name.encode()) < share * 2**32

    return [recording for recording in recordings if recording.split == split and kept(recording)]


def shots(recording: Recording, number: int, settings: FilmingSettings) -> list[Shot]:
    """Film one recording, the `number`-th of its split."""
    film = _studio if settings.cameras == "studio" else _wild
    return film(recording, number, settings)


def _studio(recording: Recording, number: int, settings: FilmingSettings) -> list[Shot]:
    random = np.random.default_rng([settings.seed, SPLITS.index(recording.split), number])
    made = []
    for view, azimuth in enumerate(studio.azimuths(settings.count)):
        body = _body(recording, settings, random)
        rotation, place = studio.place_camera(body, azimuth, random)
        seen = studio.seen_from(body, rotation, place)
        keypoints = _sources(studio.project(seen, studio.INTRINSICS), settings.keypoints, random)
        made.append(Shot(f"studio_{view + 1}", seen, keypoints))
    return made


def _wild(recording: Recording, number: int, settings: FilmingSettings) -> list[Shot]:
    made = []
    for view in range(settings.count):
        # The first view of seed 0 is the camera that earlier releases' evaluation used.
        random = np.random.default_rng([WILD_SEED + settings.seed, number, *([view] if view else [])])
        body = _body(recording, settings, random)
        rotation, place = random_cameras(1, CameraRange(), random)
        seen = np.asarray((body - body[:, :1]) @ rotation[0].T + place[0], dtype=np.float32)
        keypoints = _sources(studio.project(seen, WILD_INTRINSICS), settings.keypoints, random)
        made.append(Shot(f"wild_{view + 1}", seen, keypoints))
    return made


def _body(recording: Recording, settings: FilmingSettings, random: np.random.Generator) -> Floats:
    positions = canonical(recording.positions)
    renewed = settings.bodies == "random" and recording.split == "train"
    return another_body(positions, random) if renewed else positions


def _sources(exact: Floats, wanted: tuple[str, ...], random: np.random.Generator) -> dict[str, Floats]:
    return {source: exact if source == "gt" else disturbed(exact, NoiseSettings(), random) for source in wanted}


def disturbed(pixels: Floats, noise: NoiseSettings, random: np.random.Generator) -> Floats:
    """Return keypoints (T, 17, 2), pixels, disturbed as a detector would, by the size of the person."""
    units, turns = to_person(pixels[None])
    # Pixels in a person unit; a turn changes no length.
    unit = np.linalg.norm(pixels - pixels[:, :1]) / max(float(np.linalg.norm(units)), 1e-6)
    noisy = add_noise(units, noise, random)
    straight = np.einsum("nji,ntvj->ntvi", turns, noisy)[0]
    return np.asarray(straight * unit + pixels[:, :1], dtype=np.float32)


def another_body(positions: Floats, random: np.random.Generator) -> Floats:
    """Give a recording (T, 17, 3), z up, the body of a random adult (`new_bodies`), who walks as far as legs allow.

    The path scales with the length of the legs, heights above the floor too, so that the feet stay on the floor.
    """
    body = new_bodies((positions - positions[:, :1])[None], random)[0]
    ratio = leg_length(body) / max(leg_length(positions), 1e-6)
    origin = np.array([*positions[:, 0, :2].mean(axis=0), studio.floor_of(positions)], np.float32)
    path = origin + (positions[:, :1] - origin) * np.float32(ratio)
    return np.asarray(body + path, dtype=np.float32)


def leg_length(positions: Floats) -> float:
    """Mean length, metres, of thigh and shin together, (T, 17, 3)."""
    bones = [positions[:, child] - positions[:, child - 1] for child in (2, 3, 5, 6)]
    return float(np.linalg.norm(np.stack(bones), axis=-1).mean()) * 2
