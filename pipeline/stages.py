"""The three stages: each translates between one island's arrays and the poses that flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.cut import Cut
from pipeline.errors import PipelineError
from pipeline.flow import ahead, behind, opencv_alone
from pipeline.packed import Found
from pipeline.poses import Pose2D, Pose3D
from pipeline.progress import Console
from pipeline.settings import RunSettings
from pipeline.video import Clip, VideoReader

if TYPE_CHECKING:
    from pipeline.clean import Cleaned
    from pipeline.shards import Shards
    from render.frames import FilmPainter

_AHEAD = 16  # frames whose shapes are worked out at once: behind that there is little to win, and memory to lose
Picture = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]


def detect(
    clip: Clip, settings: RunSettings, console: Console, shards: Shards | None = None
) -> tuple[Pose2D, float, list[str]]:
    """Find everybody in every frame, and who is who over time.

    Args:
        shards: where detections are kept meanwhile, and taken up again.

    Returns:
        The tracked poses in the detector's joints, when in the film their first frame was shown, in seconds, and what
        the user should know.
    """
    from detectors import registry
    from pipeline.seeing import see
    from pipeline.track import associate

    options = replace(settings.options, fps=float(clip.fps), device=settings.device)
    detector = registry.create(settings.detector, options)
    if told := getattr(detector, "runs_on", ""):
        console.say(f"{settings.detector} runs on {told}")
    # One that only counts frames must see them all; what is not in the cut is left out afterwards.
    counts = detector.counts_frames and not clip.cut.whole
    reader = VideoReader(clip.cut_to(Cut()) if counts else clip)
    people, timestamps = see(reader, detector, shards if detector.remembers else None, settings, console)
    shown: Sequence[Found] = people
    times, begins_s = np.array(timestamps), reader.begins_s
    if counts:
        kept_frames = clip.cut.pick(timestamps)
        shown, begins_s = [people[frame] for frame in kept_frames], timestamps[kept_frames[0]]
        times = times[kept_frames] - begins_s
    with console.stage("track", len(times)) as tick:
        pose, left_out = associate(shown, times, clip.size, tuple(detector.joints), tick)
    kept = len(pose.keypoints)
    notes = [] if kept else ["no person found"]
    claimed = clip.frames_hint or 0 if clip.cut.whole else 0  # of a part, a film of uneven frames does not tell
    if len(timestamps) < 0.95 * claimed - 2:
        notes.append(f"ends after {len(timestamps)} of the {claimed} frames it claims to hold: it may be cut off")
    if left_out:
        notes.append(f"kept the {kept} people seen longest and largest, left out {left_out}; cut the film for the rest")
    return pose, begins_s, [*reader.warnings, *notes]


def lift(
    pose: Pose2D, size: tuple[int, int], settings: RunSettings, console: Console
) -> tuple[Pose3D, NDArray[np.float32] | None, list[str]]:
    """Adapt to Human3.6M's joints, repair, lift, hold the bones, and estimate which way is up and where people go.

    Returns:
        The poses in space; where they are smoothed, the positions before, (P, T, 17, 3) metres; and what was changed.

    Raises:
        PipelineError: a person is asked for whom the film has not, or a calibration of other pictures.
    """
    from lifter import joints
    from lifter.lifter import Lifter
    from pipeline.bones import hold_bones
    from pipeline.height import check_people, read_heights, scale_to_heights
    from pipeline.lens import check_lens, straighten
    from pipeline.orient import orient
    from pipeline.path import follow

    chosen, heights = choose(pose, settings.person, size), read_heights(settings.height)
    check_people(heights, len(pose.keypoints))
    check_lens(settings.camera, size)
    valid, timestamps = pose.valid[chosen], pose.timestamps
    cleaned = _adapted_and_cleaned(pose, chosen, settings.adapter)
    del pose  # nobody reads the detector's own joints any more: of an hour, tens of MB
    straight = straighten(cleaned.keypoints, settings.camera, size)  # as a pinhole camera sees them
    with console.stage("lift", int(valid.sum())) as tick:
        lifter = Lifter(settings.lifter, settings.device, mode=settings.lift_mode)
        positions = lifter.lift(straight, valid, timestamps, size, tick)
    if settings.hold_bones:
        positions = hold_bones(positions, valid)
    positions, known = scale_to_heights(positions, valid, chosen + 1, heights)
    positions, up = orient(
        positions, straight, cleaned.scores, valid, timestamps, size, settings.camera,
        placed=lifter.recipe.normalisation == "screen",
    )  # fmt: skip
    before, positions, smoothed = _smoothed(positions, valid, timestamps, chosen, settings)
    root, root_sigma = follow(positions, straight, cleaned.scores, valid, timestamps, up, size, settings.camera, known)
    lifted = Pose3D(
        positions, valid, timestamps, joints.NAMES, chosen + 1, cleaned.keypoints, cleaned.scores,
        cleaned.repairs, up, root, root_sigma,
    )  # fmt: skip
    return lifted, before, [*cleaned.notes, *smoothed]


def _adapted_and_cleaned(pose: Pose2D, chosen: NDArray[np.int64], adapter: str) -> Cleaned:
    """Return the key points of the people chosen as Human3.6M's joints, repaired; what lies between is let go."""
    from pipeline.adapter import adapt
    from pipeline.clean import clean
    from pipeline.learned.shares import find_shares

    found, given = pose.keypoints[chosen], pose.scores[chosen]
    keypoints, scores = adapt(found, given, pose.joints)
    if shares := find_shares(adapter, pose.joints):
        keypoints = shares.move(keypoints, found, given, pose.joints)
    del found, given
    return clean(keypoints, scores, pose.valid[chosen], pose.timestamps, [int(row) + 1 for row in chosen])


def _smoothed(
    positions: NDArray[np.float32], valid: NDArray[np.bool_], timestamps: NDArray[np.float64],
    chosen: NDArray[np.int64], settings: RunSettings,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32], list[str]]:  # fmt: skip
    """Return positions (P, T, 17, 3) before and after smoothing, and what it did; before is None where it is off."""
    from pipeline.bones import hold_bones
    from pipeline.smooth import read_smooth, smooth

    seconds = read_smooth(settings.smooth)
    if seconds is None:
        return None, positions, []
    made = [smooth(one, seen, timestamps, seconds) for one, seen in zip(positions, valid, strict=True)]
    after = np.array([one for one, _ in made], np.float32).reshape(positions.shape)
    if settings.hold_bones:
        after = hold_bones(after, valid)
    return positions, after, [told.line(int(row) + 1, seconds) for row, (_, told) in zip(chosen, made, strict=True)]


def choose(pose: Pose2D, person: str, size: tuple[int, int]) -> NDArray[np.int64]:
    """Return the rows of the people asked for: all, largest, center, or one by number, in pictures of `size` (W, H).

    The largest has the most area, summed over frames; the one in the center is nearest the middle, likewise: who is
    seen for longer counts for more.

    Raises:
        PipelineError: nobody has that number.
    """
    count = len(pose.keypoints)
    if person == "all" or not count:
        return np.arange(count)
    if person == "largest":
        area = np.prod(pose.boxes[..., 2:] - pose.boxes[..., :2], axis=-1) * pose.valid
        return np.array([int(area.sum(axis=1).argmax())])
    if person == "center":
        near = nearness(pose.boxes, size) * pose.valid
        return np.array([int(near.sum(axis=1).argmax())])
    if int(person) > count:
        raise PipelineError(f"--person {person}: the film has people 1 to {count}")
    return np.array([int(person) - 1])


def nearness(boxes: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float64]:
    """Return how near boxes (..., 4) are to the middle of a picture of (W, H): 1 there, 0 in a corner."""
    sides = np.array(size, np.float64)
    away = np.linalg.norm((boxes[..., :2] + boxes[..., 2:]) / 2 - sides / 2, axis=-1)
    return np.asarray(np.clip(1 - away / np.linalg.norm(sides / 2), 0, 1), np.float64)


def painter_of(clip: Clip, pose: Pose3D, settings: RunSettings, film: bool) -> FilmPainter:
    """Return what paints poses beside their film, as planes of a film or as RGB."""
    from lifter import joints
    from pipeline.room import place
    from render.frames import FilmPainter
    from render.skeleton import Skeleton

    world = place(
        pose.positions,
        pose.keypoints,
        pose.scores,
        pose.valid,
        pose.up,
        clip.size,
        float(clip.fps),
        settings.camera,
        pose.root if settings.path == "on" else None,
    )
    skeleton = Skeleton(pose.joints, tuple(joints.LIMBS), tuple(joints.SIDES))
    return FilmPainter(
        skeleton, settings.look, clip.size, world, pose.keypoints,
        pose.scores, pose.valid, pose.timestamps, [str(number) for number in pose.people], film=film, ahead=_AHEAD,
    )  # fmt: skip


def render(clip: Clip, pose: Pose3D, begins_s: float, path: Path, settings: RunSettings, console: Console) -> list[str]:
    """Paint the overlay and the room for every frame, and write the film, whose first frame is shown at `begins_s`.

    Returns:
        What the user should know.
    """
    from pipeline.video.formats import PLANES, film_writer

    form = settings.encoder.format
    painter = painter_of(clip, pose, settings, film=form in PLANES)
    reader, index = VideoReader(clip), -1
    writer = film_writer(
        form, path, painter.size, pose.timestamps, clip, begins_s, *settings.encoder.used(), settings.encoder.codec
    )
    spare: list[NDArray[np.uint8]] = []  # canvases that are written, to paint on again

    def write(canvas: NDArray[np.uint8]) -> None:
        writer.write(canvas)
        spare.append(canvas)

    shown: Iterable[tuple[float, Picture]] = reader.planes() if form in PLANES else reader
    bar = console.stage("render", len(pose.timestamps))
    with bar as tick, writer, opencv_alone(), ahead(shown) as frames, behind(write) as encode:
        for index, (_, frame) in enumerate(frames):
            if index >= len(pose.timestamps):
                raise PipelineError(f"{clip.path}: holds more frames than were detected; run detect again")
            encode(painter.paint(frame, index, spare.pop() if spare else painter.blank()))
            tick()
        if index + 1 != len(pose.timestamps):
            raise PipelineError(f"{clip.path}: holds fewer frames than were detected; run detect again")
    return writer.warnings
