"""A film of drawn people whose 2D and 3D are exactly known: for the demo, and to test whole pipelines on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from render.drawn.body import body_surfaces
from render.drawn.camera import Camera
from render.drawn.frames import body_frames
from render.drawn.head import build_head, place_head
from render.drawn.lens import Lens, mean
from render.drawn.look import LOOKS, Look
from render.drawn.mesh import Surface
from render.drawn.paint import Light, cast_shadow, gather, paint
from render.drawn.room import Room, draw_room

Picture = NDArray[np.uint8]
Floats32 = NDArray[np.float32]

NOISE_TILES = 4


class DrawnFilm:
    """People in a room, drawn frame by frame; the same arguments draw the same pixels.

    Args:
        people: for each of P persons, joints (T, 17, 3) metres, world z up, floor at z = 0, Human3.6M's order.
        camera: one for the film, or one for each frame (all of one size).
        looks: one per person; None takes the ready-made ones in turn.
        fps: frames per second.
        seed: of cloth, room and noise.
        spans: frames [first, last) in which each person is present; None is always.
        frames: T where `people` is empty.
        light: the room's light.
        noise: standard deviation of the picture's noise, levels of 0..255.
        room: None draws one that holds everybody and every camera, in colours of the seed.
        things: sheets that stand in the room (`render.drawn.furniture`), world axes.
        lens: None takes sharp pictures of a moment.

    Attributes:
        keypoints: (P, T, 17, 2) float32, pixels, x right and y down: the joints as projected; 0 where not valid.
        positions_camera: (P, T, 17, 3) float32, metres, camera axes x right, y down, z away; 0 where not valid.
        valid: (P, T) bool, the person is present in this frame (be it outside the picture).
        timestamps: (T,) float64, seconds.
        size: (width, height) pixels.

    Raises:
        ValueError: arrays, looks, spans or cameras that do not fit one another.
    """

    def __init__(
        self,
        people: Sequence[NDArray[np.floating]],
        camera: Camera | Sequence[Camera],
        looks: Sequence[Look] | None = None,
        fps: float = 25.0,
        seed: int = 0,
        *,
        spans: Sequence[tuple[int, int]] | None = None,
        frames: int | None = None,
        light: Light | None = None,
        noise: float = 2.0,
        room: Room | None = None,
        things: Sequence[Surface] = (),
        lens: Lens | None = None,
    ) -> None:
        self._people = [np.asarray(person, np.float64) for person in people]
        count = frames if frames is not None else (len(self._people[0]) if self._people else 0)
        for index, person in enumerate(self._people):
            if person.shape != (count, 17, 3) or not np.isfinite(person).all():
                raise ValueError(f"people[{index}]: expected finite ({count}, 17, 3), got {person.shape}")
        self._cameras = [camera] * count if isinstance(camera, Camera) else list(camera)
        if count < 1 or len(self._cameras) != count or len({each.size for each in self._cameras}) != 1:
            raise ValueError(f"DrawnFilm: {count} frames need one camera, or {count} (at least 1) of one size")
        self._looks = list(looks) if looks is not None else [LOOKS[i % len(LOOKS)] for i in range(len(self._people))]
        spans = spans if spans is not None else [(0, count)] * len(self._people)
        if len(self._looks) != len(self._people) or len(spans) != len(self._people):
            raise ValueError(f"DrawnFilm: {len(self._people)} people need as many looks and spans")
        self.fps, self.size = fps, self._cameras[0].size
        self.timestamps = np.arange(count) / fps
        self.valid = np.zeros((len(self._people), count), bool)
        for index, (first, last) in enumerate(spans):
            self.valid[index, max(first, 0) : max(last, 0)] = True
        self._light, self._noise, self._seed = light or Light(), noise, seed
        self._heads = [build_head(look, seed + index) for index, look in enumerate(self._looks)]
        self.keypoints, self.positions_camera = self._truth()
        self._room = room or self._surround()
        self._things, self._lens = list(things), lens or Lens()
        self._moving = any(each is not self._cameras[0] for each in self._cameras)
        self._still: Picture | None = None
        self._tiles: list[NDArray[np.int16]] = []

    def __len__(self) -> int:
        return len(self.timestamps)

    def __iter__(self) -> Iterator[Picture]:
        return (self.frame(index) for index in range(len(self)))

    def frame(self, index: int) -> Picture:
        """Return frame `index` as (H, W, 3) uint8 RGB; IndexError outside 0..T-1."""
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a film of {len(self)}")
        picture = mean([self._moment(index, moment) for moment in self._moments(index)])
        return self._grainy(self._lens.develop(picture), index)

    def _moment(self, index: int, moment: float) -> Picture:
        """Draw one moment of a frame's exposure, `moment` frames after it."""
        camera = self._cameras[index]
        picture = self._background(camera)
        surfaces = list(self._things)
        for person in np.flatnonzero(self.valid[:, index]):
            surfaces += self._person(int(person), index, moment)
        if surfaces:
            quads = gather(surfaces)
            cast_shadow(picture, quads, camera, self._light)
            paint(picture, quads, camera, self._light)
        return picture

    def _moments(self, index: int) -> list[float]:
        """Return the moments that a frame's exposure is made of."""
        present = self.valid[:, index]
        around = (max(index - 1, 0), index, min(index + 1, len(self) - 1))
        people = [person for person, there in zip(self._people, present, strict=True) if there]
        places = [self._cameras[index].project(person[list(around)]) for person in people]
        before, at, after = np.concatenate(places, axis=1) if places else np.zeros((3, 0, 2))
        return self._lens.moments(before, at, after)

    def _person(self, person: int, index: int, moment: float = 0.0) -> list[Surface]:
        """Return the surfaces of one person in one frame, or `moment` frames after it."""
        track, look = self._people[person], self._looks[person]
        beside = min(max(index + int(np.sign(moment)), 0), len(track) - 1)
        joints = track[index] + abs(moment) * (track[beside] - track[index])
        frames = body_frames(joints)
        seed = self._seed + 20 * person
        body = body_surfaces(joints, frames, look, seed)
        return body + place_head(self._heads[person], joints, frames, look, seed)

    def _truth(self) -> tuple[Floats32, Floats32]:
        """Return the joints as the cameras see them: pixels and metres."""
        shape = (len(self._people), len(self), 17)
        keypoints, positions = np.zeros((*shape, 2), np.float32), np.zeros((*shape, 3), np.float32)
        for index, camera in enumerate(self._cameras):
            for person in np.flatnonzero(self.valid[:, index]):
                joints = self._people[person][index]
                positions[person, index] = camera.to_camera(joints)
                keypoints[person, index] = camera.project(joints)
        return keypoints, positions

    def _surround(self) -> Room:
        """Return a room that holds everybody and every camera."""
        places = [np.stack([camera.eye for camera in self._cameras])]
        places += [person.reshape(-1, 3) for person in self._people]
        return Room.around(np.concatenate(places), self._seed)

    def _background(self, camera: Camera) -> Picture:
        """Return a copy of the empty room; a camera that stands still has it drawn once."""
        if self._moving:
            return draw_room(camera, self._room, 0.5)
        if self._still is None:
            self._still = draw_room(camera, self._room)
        return self._still.copy()

    def _grainy(self, picture: Picture, index: int) -> Picture:
        """Return the picture with the camera's noise: one of a few tiles, shifted anew in every frame."""
        if self._noise <= 0:
            return picture
        width, height = self.size
        if not self._tiles:
            rng = np.random.default_rng(self._seed)
            self._tiles = [
                np.round(rng.normal(0, self._noise, (height, width + 64, 3))).astype(np.int16)
                for _ in range(NOISE_TILES)
            ]
        shift = int(np.random.default_rng([self._seed, index]).integers(64))
        tile = self._tiles[index % NOISE_TILES][:, shift : shift + width]
        return np.asarray(cv2.add(picture, np.ascontiguousarray(tile), dtype=cv2.CV_8U), np.uint8)
