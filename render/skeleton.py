"""The skeleton that is drawn: joint names, the limbs between them, the side of the body, how thick each part is."""

from __future__ import annotations

from dataclasses import dataclass

SIDES: tuple[str, ...] = ("left", "center", "right")

# Metres, from the joint's centre to the skin, of a slender mannequin; the name without its side.
_RADII: dict[str, float] = {
    "pelvis": 0.082,
    "hip": 0.070,
    "knee": 0.048,
    "ankle": 0.034,
    "spine": 0.084,
    "thorax": 0.068,
    "neck": 0.050,
    "head": 0.088,
    "shoulder": 0.050,
    "elbow": 0.038,
    "wrist": 0.027,
}
_OTHER_RADIUS = 0.030


@dataclass(frozen=True)
class Skeleton:
    """Which joints a body has and how they hang together.

    Attributes:
        joints: J names; the parts after a leading `left_` / `right_` decide how thick the body is there.
        limbs: pairs of joint indices, (near the trunk, far from it).
        sides: per joint `left`, `right` or `center` (the person's own left and right).

    Raises:
        ValueError: a limb to no joint, an unknown side, or not one side per joint.
    """

    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    sides: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.sides) != len(self.joints):
            raise ValueError(f"Skeleton.sides: expected {len(self.joints)}, one per joint, got {len(self.sides)}")
        for side in self.sides:
            if side not in SIDES:
                raise ValueError(f"Skeleton.sides: {side!r} is none of {', '.join(SIDES)}")
        for limb in self.limbs:
            if len(limb) != 2 or not all(0 <= joint < len(self.joints) for joint in limb):
                raise ValueError(f"Skeleton.limbs: {limb} does not join two of the {len(self.joints)} joints")

    def limb_side(self, limb: tuple[int, int]) -> str:
        """Return the side of a limb: that of its ends where both agree, else of the end that is not in the middle."""
        first, second = self.sides[limb[0]], self.sides[limb[1]]
        if second != "center":
            return second
        return first

    def radius(self, joint: int) -> float:
        """Return how thick the body is about a joint, metres from its centre."""
        name = self.joints[joint].removeprefix("left_").removeprefix("right_")
        return _RADII.get(name, _OTHER_RADIUS)

    @property
    def head(self) -> int | None:
        """The joint an identity label hangs above: `head`, else `head_top`, else `nose`, else none."""
        for name in ("head", "head_top", "nose"):
            if name in self.joints:
                return self.joints.index(name)
        return None

    @property
    def feet(self) -> tuple[int, ...]:
        """The joints that stand on the floor: the ankles, where there are any."""
        return tuple(index for index, name in enumerate(self.joints) if name.endswith("ankle"))
