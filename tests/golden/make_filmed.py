"""Makes `filmed.json`: numbers of clips that trainings of earlier releases saw. Run it again only if a change is meant.

python tests/golden/make_filmed.py
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.training.filmed_dataset import FilmedDataset

FILE = Path(__file__).with_name("filmed.json")


def filmed() -> list[list[float]]:
    """Some keypoints and positions of a batch with nothing switched on; noise is left out."""
    with TemporaryDirectory() as folder:
        write_tiny_mocap(Path(folder))
        made = FilmedDataset(folder, noisy=False, seed=11, recipe={"window": 32}).__getitems__([5, 6, 7])
    chosen = [made[name][:, ::13, ::5].double().numpy().ravel() for name in ("keypoints", "positions")]
    return [np.round(values, 6).tolist() for values in chosen]


if __name__ == "__main__":
    FILE.write_text(json.dumps(filmed()) + "\n")
