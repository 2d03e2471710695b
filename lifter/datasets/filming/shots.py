"""One recording seen by cameras that are not there: bodies, cameras, pictures, and what a detector makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.filming import studio
from lifter.datasets.filming.clips import CameraRange, new_bodies, random_cameras
from lifter.datasets.filming.noise import NoiseSettings, add_noise
from lifter.datasets.mocap.packed import canonical
from lifter.datasets.mocap.recordings import Recording
from lifter.datasets.poseset import SPLITS
from lifter.detector_noise.settings import find_noise
from lifter.errors import LifterError
from lifter.screen import to_person, turn

Floats = NDArray[np.float32]

CAMERAS = ("studio", "wild")
BODIES = ("random", "recorded")
KEYPOINTS = ("gt", "noisy")
AS_DETECTOR = "as_"  # as_mediapipe: as that detector was measured to err
# The picture that `wild` cameras make of the pinhole at focal length 1.
WILD_SIZE, WILD_INTRINSICS = (2000, 2000), (1000.0, 1000.0, 1000.0, 1000.0)
WILD_SEED = 2020


@dataclass(frozen=True)
class FilmingSettings:
    """How recordings are filmed.

    Attributes:
        cameras: `studio`, fixed cameras about each recording as in Human3.6M; or `wild`, held by anyone anyhow
            (`CameraRange`), which follow the person: the pelvis keeps one place in front of them.
        views: cameras of each recording; 0 means 4 for studio, 1 for wild.
        bodies: `random` gives every training sequence the body of a random adult; `recorded` keeps all as they are.
        keypoints: 2D sources to make: `gt`, the exact projection; `noisy`, as a detector would err; `as_NAME`, as a
            detector was measured to err (`lifter.detector_noise`).
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
            ("keypoints", self.keypoints, (*KEYPOINTS, *_measured(self.keypoints))),
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
        keypoints = _sources(studio.project(seen, studio.INTRINSICS), seen, settings.keypoints, random)
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
        keypoints = _sources(studio.project(seen, WILD_INTRINSICS), seen, settings.keypoints, random)
        made.append(Shot(f"wild_{view + 1}", seen, keypoints))
    return made


def _body(recording: Recording, settings: FilmingSettings, random: np.random.Generator) -> Floats:
    positions = canonical(recording.positions)
    renewed = settings.bodies == "random" and recording.split == "train"
    return another_body(positions, random) if renewed else positions


def _measured(sources: tuple[str, ...]) -> list[str]:
    """The sources that are named after a measured detector.

    Raises:
        LifterError: nobody measured it.
    """
    named = [source for source in sources if source.startswith(AS_DETECTOR)]
    for source in named:
        find_noise(source.removeprefix(AS_DETECTOR))
    return named


def _sources(exact: Floats, seen: Floats, wanted: tuple[str, ...], random: np.random.Generator) -> dict[str, Floats]:
    made = {source: exact if source == "gt" else disturbed(exact, NoiseSettings(), random)
            for source in wanted if source in KEYPOINTS}  # fmt: skip
    for source in wanted:
        if source not in made:
            # With a chance of its own, so that the other sources stay the same beside it.
            (own,) = random.spawn(1)
            made[source] = disturbed(exact, NoiseSettings(detectors=(source.removeprefix(AS_DETECTOR),)), own, seen)
    return {source: made[source] for source in wanted}


def disturbed(pixels: Floats, noise: NoiseSettings, random: np.random.Generator, seen: Floats | None = None) -> Floats:
    """Return keypoints (T, 17, 2), pixels, disturbed as a detector would, by the size of the person.

    `seen` are the positions (T, 17, 3), camera axes, that measured detectors' offsets need.
    """
    units, turns = to_person(pixels[None])
    # Pixels in a person unit; a turn changes no length.
    unit = np.linalg.norm(pixels - pixels[:, :1]) / max(float(np.linalg.norm(units)), 1e-6)
    noisy = add_noise(units, noise, random, None if seen is None else turn(seen[None], turns))
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
