"""One drawn film: who performs what, dressed how, in which room, before which camera; all by chance, told by a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.drawn.cameras import Filmed, place_camera

if TYPE_CHECKING:
    from render.drawn import DrawnFilm
    from render.drawn.furniture import Kind
    from render.drawn.lens import Lens
    from render.drawn.mesh import Surface
    from render.drawn.paint import Light
    from render.drawn.room import Room

Doubles = NDArray[np.float64]

SMEARED, SOFT, HIDDEN = 0.6, 0.5, 0.4  # shares of films
MOST_BEHIND, MOST_BEFORE = 5, 2  # things
CLEAR = 0.5  # metres between a thing's middle and where the person's joints come
ANKLE = 0.09  # metres of the lowest ankle above the floor
# The drawn person's own lengths from the base of the neck to the middle of the head and on to its top, metres for a
# spine of `SPINE`; motion capture puts these joints anywhere.
SPINE, NECK, HEAD = 0.515, 0.13, 0.14


@dataclass(frozen=True)
class Take:
    """A film that is ready to be drawn.

    Attributes:
        film: its `positions_camera` and `keypoints` are the truth.
        crf: how strongly it is to be compressed.
        kind: of camera, one of `cameras.KINDS`.
        intrinsics: f_x, f_y, c_x, c_y, pixels.
    """

    film: DrawnFilm
    crf: int
    kind: str
    intrinsics: tuple[float, float, float, float]


def make_take(positions: NDArray[np.floating], fps: float, random: np.random.Generator) -> Take:
    """Dress, light and film somebody's motion.

    Args:
        positions: (T, 17, 3) metres, z up, Human3.6M's joints; anywhere.
        fps: frames a second of the motion and the film.
        random: of everything.
    """
    from render.drawn import DrawnFilm
    from render.drawn.wardrobe import random_look

    body = on_the_floor(with_own_head(np.asarray(positions, np.float64)))
    filmed = place_camera(body, fps, random)
    film = DrawnFilm(
        [body], filmed.cameras, [random_look(random)], fps, int(random.integers(2**31)),
        light=_light(random), noise=float(random.uniform(0, 7)), room=_room(body, filmed, random),
        things=_things(body, filmed, random), lens=_lens(random),
    )  # fmt: skip
    (f_x, _, c_x), (_, f_y, c_y), _ = filmed.cameras[0].K.tolist()
    return Take(film, int(random.integers(18, 36)), filmed.kind, (f_x, f_y, c_x, c_y))


def with_own_head(body: Doubles) -> Doubles:
    """Give (T, 17, 3) a neck and a head of a drawn person's lengths, in the directions they have."""
    thorax, neck, top = (body[:, joint] for joint in (8, 9, 10))
    spine = np.linalg.norm(body[:, 7] - body[:, 0], axis=-1) + np.linalg.norm(thorax - body[:, 7], axis=-1)
    size = float(np.median(spine)) / SPINE
    moved = body.copy()
    moved[:, 9] = thorax + NECK * size * _unit(neck - thorax)
    moved[:, 10] = moved[:, 9] + HEAD * size * _unit(top - neck)
    return moved


def on_the_floor(body: Doubles) -> Doubles:
    """Move (T, 17, 3), z up, so that the floor is at 0 and the pelvis' path about the origin."""
    low = float(np.percentile(body[:, (3, 6), 2].min(axis=1), 2)) - ANKLE
    middle = np.median(body[:, 0], axis=0)
    return np.asarray(body - np.array([middle[0], middle[1], low]))


def _light(random: np.random.Generator) -> Light:
    from render.drawn import Light

    around, dim = random.uniform(0, 2 * np.pi), random.uniform(0.6, 1.05)
    towards = (float(np.cos(around)), float(np.sin(around)), float(random.uniform(0.7, 2.5)))
    key = random.uniform(0.25, 0.65)
    return Light(
        towards, float(key * dim), float(random.uniform(0.05, 0.3) * dim), float((0.95 - key) * dim), 0.26 * dim
    )


def _lens(random: np.random.Generator) -> Lens:
    from render.drawn.lens import Lens

    shutter = float(random.uniform(0.2, 1.0)) if random.random() < SMEARED else 0.0
    softness = float(random.uniform(0.3, 1.6)) if random.random() < SOFT else 0.0
    return Lens(shutter, softness, float(random.uniform(0.55, 1.2)))


def _room(body: Doubles, filmed: Filmed, random: np.random.Generator) -> Room:
    """Return a room, small or wide, that holds the person and the camera."""
    from render.drawn.room import Room
    from render.drawn.wardrobe import random_colour

    eyes = np.stack([camera.eye for camera in filmed.cameras])
    room = Room.around(np.concatenate([eyes, body.reshape(-1, 3)]))
    more = random.uniform(0, 4, 2)
    return replace(
        room,
        half=(float(room.half[0] + more[0]), float(room.half[1] + more[1])),
        wall=random_colour(random, (0.0, 0.35), (0.35, 0.95)),
        floor=random_colour(random, (0.05, 0.5), (0.25, 0.8)),
    )


def _things(body: Doubles, filmed: Filmed, random: np.random.Generator) -> list[Surface]:
    """Return furniture: some behind the person, and in some films between the person and the camera."""
    from render.drawn import furniture
    from render.drawn.wardrobe import random_colour

    middle, eye = np.median(body[:, 0, :2], axis=0), filmed.cameras[0].eye[:2]
    distance = float(np.linalg.norm(eye - middle))
    towards = (eye - middle) / distance
    aside = np.array([-towards[1], towards[0]])
    low: tuple[Kind, ...] = (furniture.table, furniture.chair, furniture.sofa, furniture.post)
    before = random.integers(1, MOST_BEFORE + 1) if random.random() < HIDDEN else 0
    places: list[tuple[tuple[Kind, ...], float, float]]
    places = [(low, random.uniform(0.5, max(0.6, 0.6 * distance)), random.normal(0, 0.5)) for _ in range(before)]
    places += [
        (furniture.KINDS, -random.uniform(0.7, 2.4), random.normal(0, 1.6))
        for _ in range(random.integers(0, MOST_BEHIND + 1))
    ]
    sheets: list[Surface] = []
    for kinds, ahead, sideways in places:
        at = middle + ahead * towards + sideways * aside
        made = kinds[random.integers(len(kinds))](random_colour(random, (0.0, 0.6), (0.15, 0.9)), random)
        turn = float(random.uniform(0, 2 * np.pi))
        trodden = np.linalg.norm(body[..., :2] - at, axis=-1).min() < CLEAR
        if not trodden and np.linalg.norm(eye - at) > 1.3:
            sheets += furniture.placed(made, (float(at[0]), float(at[1])), turn)
    return sheets


def _unit(vectors: Doubles) -> Doubles:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))
