"""How a drawn person looks: colours, clothes and build, and a few people ready made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]  # RGB 0..255


@dataclass(frozen=True)
class Look:
    """Colours are RGB 0..255 as seen in full light.

    Attributes:
        skin, hair, shirt, trousers, shoes, eyes: colours.
        sleeve: where the sleeve ends, 0 shoulder, 1 elbow, 2 wrist.
        leg: where the trouser leg ends, 0 hip, 1 knee, 2 ankle.
        hem: the shirt's hem, metres above the pelvis (negative: below); the seam of shirt and trousers.
        stripes: stripes across the shirt, 0 none to 1 white.
        long_hair: hair that falls on the neck instead of short hair.
        width: breadth of torso and limbs against the mean build.
        belly: depth of the waist against the mean build.

    Raises:
        ValueError: a width or belly outside 0.7 to 1.5.
    """

    skin: Colour = (224, 172, 140)
    hair: Colour = (58, 40, 28)
    shirt: Colour = (58, 104, 158)
    trousers: Colour = (58, 60, 70)
    shoes: Colour = (214, 214, 210)
    eyes: Colour = (84, 60, 40)
    sleeve: float = 0.62
    leg: float = 2.0
    hem: float = -0.06
    stripes: float = 0.0
    long_hair: bool = False
    width: float = 1.0
    belly: float = 1.0

    def __post_init__(self) -> None:
        for name in ("width", "belly"):
            if not 0.7 <= getattr(self, name) <= 1.5:
                raise ValueError(f"Look.{name}: {getattr(self, name)}, expected 0.7 to 1.5")


LOOKS: tuple[Look, ...] = (
    Look(),
    Look(
        skin=(141, 92, 66), hair=(24, 20, 19), shirt=(196, 74, 58), trousers=(92, 96, 112), shoes=(52, 50, 54),
        sleeve=1.95, belly=1.05,
    ),
    Look(
        skin=(238, 193, 165), hair=(150, 98, 52), shirt=(78, 142, 106), trousers=(44, 52, 84), shoes=(190, 66, 70),
        eyes=(70, 96, 110), long_hair=True, width=0.92,
    ),
    Look(
        skin=(198, 144, 108), hair=(34, 28, 27), shirt=(226, 222, 212), trousers=(148, 122, 92), shoes=(84, 62, 48),
        stripes=0.35, hem=-0.08, belly=1.12, width=1.05,
    ),
    Look(
        skin=(96, 64, 48), hair=(20, 17, 17), shirt=(216, 170, 62), trousers=(66, 70, 62), shoes=(230, 228, 222),
        leg=0.9, sleeve=0.5,
    ),
    Look(
        skin=(230, 180, 152), hair=(96, 92, 90), shirt=(104, 82, 128), trousers=(40, 42, 48), shoes=(30, 30, 34),
        eyes=(84, 110, 132), sleeve=1.9, belly=1.2, width=1.06,
    ),
)  # fmt: skip


def albedo(colour: Colour) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a colour as (3,) float64, 0..255."""
    return np.array(colour, np.float64)
