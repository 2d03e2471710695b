"""What Human3.6M calls things: its actions and takes, who tests, and the joints that are kept."""

from __future__ import annotations

TEST = ("S9", "S11")
ACTIONS: tuple[str, ...] = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting",
    "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether",
)  # fmt: skip
# Where the 17 joints lie among the 32 of the release.
KEPT: tuple[int, ...] = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
FPS = 50.0
# Every subject did every action twice; the one that papers leave out as corrupt.
TAKES = 2 * len(ACTIONS)
CORRUPT = ("S11", "Directions")


def take_name(name: str) -> str:
    """Return the name of a take as all later files have it: TakingPhoto 1 of the release is Photo 1."""
    return name.replace("TakingPhoto", "Photo").replace("WalkingDog", "WalkDog")
