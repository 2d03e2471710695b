"""The drawn limbs: arms with sleeves and hands, legs with shoes; each one sheet, unbroken at elbow and knee."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render.drawn.frames import Frames
from render.drawn.look import Look, albedo
from render.drawn.mesh import Surface, bend, grain, interpolate, loft, tube, unit

Floats = NDArray[np.float64]

# Station (0 shoulder, 1 elbow, 2 wrist), half width along the hinge, front, back.
ARM = np.array([
    [-0.11, 0.006, 0.008, 0.008], [-0.10, 0.018, 0.022, 0.022], [-0.05, 0.036, 0.044, 0.044],
    [0.10, 0.052, 0.060, 0.058], [0.25, 0.052, 0.058, 0.056], [0.6, 0.044, 0.050, 0.046],
    [0.95, 0.039, 0.039, 0.043], [1.2, 0.043, 0.043, 0.041], [1.6, 0.035, 0.036, 0.034],
    [1.95, 0.029, 0.024, 0.024], [2.06, 0.030, 0.021, 0.021],
])  # fmt: skip
# Station (0 hip, 1 knee, 2 ankle), half width, front, back.
LEG = np.array([
    [-0.10, 0.060, 0.076, 0.086], [0.05, 0.073, 0.090, 0.100], [0.25, 0.080, 0.092, 0.092],
    [0.6, 0.070, 0.076, 0.072], [0.95, 0.056, 0.062, 0.056], [1.1, 0.054, 0.056, 0.058],
    [1.35, 0.056, 0.050, 0.072], [1.6, 0.048, 0.044, 0.058], [1.9, 0.038, 0.038, 0.042],
    [2.1, 0.036, 0.038, 0.040],
])  # fmt: skip
# Metres from the wrist, half breadth, half thickness.
HAND = np.array([
    [-0.01, 0.026, 0.019], [0.03, 0.035, 0.018], [0.07, 0.042, 0.016], [0.10, 0.041, 0.013],
    [0.14, 0.037, 0.011], [0.17, 0.028, 0.009], [0.185, 0.012, 0.006],
])  # fmt: skip
# Metres along the sole from the ankle, half breadth, height of the upper above the sole.
SHOE = np.array([
    [-0.078, 0.012, 0.030], [-0.070, 0.028, 0.062], [-0.045, 0.036, 0.090], [0.0, 0.038, 0.108],
    [0.035, 0.039, 0.096], [0.075, 0.043, 0.072], [0.115, 0.047, 0.058], [0.15, 0.044, 0.048],
    [0.175, 0.033, 0.040], [0.188, 0.014, 0.026],
])  # fmt: skip
SOLE = 0.083  # metres from the ankle down to the underside of the shoe
FLOOR = 0.004  # metres by which the upper stands on the sole


def _hinge(upper: Floats, lower: Floats, rest: Floats, sign: float) -> Floats:
    """Return the axis (3,) a limb bends about: sign * upper x lower, towards `rest` as the limb gets straight."""
    upper, lower = unit(upper), unit(lower)
    bent = sign * np.cross(upper, lower)
    weight = min(float(np.linalg.norm(bent)) / 0.35, 1.0) ** 2
    axis = weight * unit(bent) + (1 - weight) * rest
    return unit(axis - (axis @ unit(upper + lower)) * unit(upper + lower))


def _turned(vector: Floats, start: Floats, end: Floats) -> Floats:
    """Return `vector` turned by the shortest rotation from unit `start` to unit `end`."""
    middle = start + end
    spread = max(1 + float(start @ end), 0.05)
    return np.asarray(vector - middle * (middle @ vector) / spread + 2 * end * (start @ vector), np.float64)


def arm(chain: Floats, frames: Frames, look: Look, sign: float, seed: int) -> list[Surface]:
    """Return arm with sleeve, hand and thumb of a chain shoulder, elbow, wrist (3, 3)."""
    shoulder, elbow, wrist = chain
    right = -frames.thorax[:, 1]
    rest = _turned(right, -frames.thorax[:, 2], unit(elbow - shoulder))
    hinge = _hinge(elbow - shoulder, wrist - elbow, rest, 1.0)
    stations = np.concatenate([[-0.11, -0.105, -0.10, -0.075], np.linspace(-0.05, 2.06, 34)])
    stations = np.sort(np.concatenate([stations, [look.sleeve, look.sleeve + 1e-3]]))
    centres = bend(shoulder, elbow, wrist, stations, 0.22)
    # The top of the deltoid leans into the torso.
    inward = unit(frames.thorax[:, 1] * -sign - 0.3 * frames.thorax[:, 2])
    centres = centres + (0.05 * np.clip(0.2 - stations, 0, 0.3) / 0.3)[:, None] * inward * frames.size
    radii = interpolate(stations, ARM) * frames.size * (0.5 + 0.5 * look.width)
    covered = stations <= look.sleeve
    loose = 0.006 + 0.006 * np.clip(stations / max(look.sleeve, 0.3), 0, 1)
    radii = radii + (covered * (stations > 0) * loose * frames.size)[:, None]
    rings = tube(centres, hinge, radii, 18)
    shape = (len(stations) - 1, 18)
    colours = np.where(covered[:-1, None, None], albedo(look.shirt), albedo(look.skin)) * grain(shape, 0.012, seed + 3)
    edge = np.abs(stations[:-1] - look.sleeve) < 0.06
    colours[edge & covered[:-1]] *= 0.86
    return [Surface(rings, colours), *_hand(chain, hinge, frames, look, sign, seed)]


def _hand(chain: Floats, hinge: Floats, frames: Frames, look: Look, sign: float, seed: int) -> list[Surface]:
    """Return a flattened, slightly curled hand and its thumb at the end of the forearm."""
    _, elbow, wrist = chain
    size = frames.size
    along = unit(wrist - elbow)
    thumb = unit(np.cross(hinge, along))
    palm = np.cross(thumb, along) * -sign
    reach = np.linspace(-0.01, 0.185, 12)
    shape = interpolate(reach, HAND) * size
    curl = np.maximum(reach - 0.08, 0) ** 2 * 3.0
    centres = wrist + size * (reach[:, None] * along + curl[:, None] * palm)
    rings = loft(centres, thumb * shape[:, :1], np.cross(along, thumb) * shape[:, 1:2], 2.4, 14)
    skin = albedo(look.skin) * grain((11, 14), 0.015, seed + 4) * np.array([1.0, 0.95, 0.93])
    # Dark lines between the fingers.
    lines = np.ones((11, 14, 1))
    lines[6:, ::2] = 0.88
    root = wrist + size * (0.035 * along + 0.022 * thumb + 0.006 * palm)
    tip = root + size * (0.062 * along + 0.036 * thumb + 0.014 * palm)
    share = np.linspace(0, 1, 6)[:, None]
    radii = np.repeat(np.array([[0.012], [0.016], [0.014], [0.012], [0.010], [0.003]]), 2, axis=1) * size
    finger = tube(root + share * (tip - root), palm, radii, 8)
    return [Surface(rings, skin * lines), Surface(finger, np.broadcast_to(skin[0, 0], (5, 8, 3)))]


def leg(chain: Floats, frames: Frames, look: Look, sign: float, seed: int) -> list[Surface]:
    """Return leg with trouser leg, and shoe, of a chain hip, knee, ankle (3, 3)."""
    hip, knee, ankle = chain
    right = -frames.pelvis[:, 1]
    hinge = _hinge(knee - hip, ankle - knee, unit(right + 0.14 * sign * frames.pelvis[:, 0]), -1.0)
    stations = np.sort(np.concatenate([np.linspace(-0.1, 2.1, 40), [look.leg, look.leg + 1e-3]]))
    centres = bend(hip, knee, ankle, stations, 0.2)
    # The thigh lies around the bone, the hip joint within the body: the leg leans inward at its top.
    radii = interpolate(stations, LEG) * frames.size * (0.4 + 0.6 * look.width)
    covered = stations <= look.leg
    loose = 0.004 + 0.014 * np.clip((stations - 0.6) / 1.4, 0, 1)
    radii = radii + (covered * loose * frames.size)[:, None]
    angle = np.linspace(0, 2 * np.pi, 21)[:-1]
    crease = np.exp(-(((stations[:-1] - 1.02) / 0.1) ** 2)) + 0.8 * np.exp(-(((stations[:-1] - 1.88) / 0.1) ** 2))
    folds = 1 + 0.06 * crease[:, None] * np.sin(stations[:-1, None] * 70 + 2 * np.sin(angle + seed))
    cloth = albedo(look.trousers) * grain((len(stations) - 1, 20), 0.014, seed + 5) * folds[..., None]
    colours = np.where(covered[:-1, None, None], cloth, albedo(look.skin))
    # Little light falls between the legs.
    inner = 0.5 + 0.5 * np.cos(angle - (np.pi if sign < 0 else 0.0))
    shade = 1 - 0.28 * inner[None] * np.clip(1 - stations[:-1, None] / 0.9, 0, 1)
    rings = tube(centres, hinge, radii, 20)
    return [Surface(rings, colours * shade[..., None]), *_shoe(knee, ankle, hinge, frames, look)]


def _shoe(knee: Floats, ankle: Floats, hinge: Floats, frames: Frames, look: Look) -> list[Surface]:
    """Return upper and sole; the foot lies flat when low, follows the shank when raised, and never enters the floor."""
    size = frames.size
    up = np.array([0.0, 0.0, 1.0])
    shank = unit(ankle - knee)
    ahead = unit(0.6 * np.cross(shank, -hinge) + 0.4 * frames.pelvis[:, 0])
    level = unit(ahead - ahead @ up * up)
    free = unit(np.cross(hinge, shank) + 0.25 * shank)
    free = free if free @ level > 0 else level
    height = float(np.clip((ankle[2] - (SOLE + 0.012) * size) / (0.09 * size), 0, 1))
    toe = unit((1 - height) * level + height * free)
    # The tip may not be lower than the floor.
    drop = (ankle[2] - SOLE * size * 0.85) / (0.165 * size)
    if toe[2] < -max(drop, 0.0):
        toe = unit(level * np.sqrt(max(1 - drop**2, 0.01)) - up * max(drop, 0.0))
    side = unit(np.cross(up, toe)) if abs(toe[2]) < 0.98 else unit(-hinge)
    normal = np.cross(toe, side)
    reach = np.linspace(-0.078, 0.188, 18)
    shape = interpolate(reach, SHOE) * size
    base = ankle + reach[:, None] * size * toe - SOLE * size * normal
    middle = base + (0.5 * shape[:, 1:2] + FLOOR) * normal
    upper = loft(middle, -side * shape[:, :1], normal * shape[:, 1:2] * 0.5, 2.6, 16)
    sole_half = shape[:, :1] * 1.07
    sole = loft(
        base + 0.010 * size * normal, side * sole_half, np.broadcast_to(normal * 0.011 * size, base.shape), 4, 12
    )
    colours = np.broadcast_to(albedo(look.shoes), (17, 16, 3)).copy()
    colours[9:14, 3:6] *= 0.75
    colours[14:] *= 0.9
    light = np.broadcast_to(0.35 * albedo(look.shoes) + 0.65 * np.array([225.0, 225, 220]), (17, 12, 3))
    return [Surface(upper, colours), Surface(sole, light)]
