"""MMPose's networks taught to see: random backbones whose heads are fitted until every joint's peak is a clear one.

Random weights alone give maps as flat as noise, whose highest cell says nothing of how well two runtimes agree. Here a
joint is a soft spot of one colour (`toy_models.channels`), and the heads are fitted on the very crops they are asked
about: what is compared is arithmetic, not learning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import random_weights
import toy_models

from detectors import mm_pose
from detectors.base import Frame

SIZE = (192, 256)  # of the pictures: crops of both networks show them as they are
BOX = np.array([[19.2, 25.6, 172.8, 230.4]], np.float32)  # 1.25 times as large, it is the whole picture
_SIGMA = 9.0  # of a spot, pixels


def pictures(count: int, seed: int = 0) -> tuple[list[Frame], np.ndarray]:
    """Draw soft red, green and blue spots; return pictures and the places (count, 3, 2) of the spots, pixels."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((30, 30), (SIZE[0] - 30, SIZE[1] - 30), (count, 3, 2))
    v, u = np.mgrid[: SIZE[1], : SIZE[0]]
    film = []
    for spots in places:
        squared = np.stack([(u - x) ** 2 + (v - y) ** 2 for x, y in spots], 2)
        film.append((30 + 220 * np.exp(-squared / (2 * _SIGMA**2))).astype(np.uint8))
    return film, places


def write_taught(path: Path, name: str, film: list[Frame], places: np.ndarray) -> None:
    """Write a checkpoint of `hrnet` or `rtmpose` whose head finds the spots of these pictures."""
    import torch

    random_weights.write_pose(path, name)
    estimator = mm_pose.PoseEstimator(random_weights.MODELS[name], path, "cpu", flip_test=False)
    network = estimator.network
    mirrored = [np.ascontiguousarray(frame[:, ::-1]) for frame in film]  # for the flip test
    flipped = places * (-1, 1) + (SIZE[0] - 1, 0)
    crops = np.stack([*film, *mirrored]).astype(np.float32).transpose(0, 3, 1, 2)
    mean, std = ([*v.flatten()] for v in (network.data_preprocessor.mean, network.data_preprocessor.std))
    batch = (torch.tensor(crops) - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    with torch.inference_mode():
        features = torch.cat([network.extract_feat(part)[-1] for part in batch.split(4)]).clone()
    truth = np.concatenate([places, flipped])[:, toy_models.channels(17)]  # (N, 17, 2)
    fit = _fit_maps if name == "hrnet" else _fit_vectors
    fit(network.head, features.clone(), truth)
    random_weights.save(path, network.state_dict())


def _fit_maps(head: Any, features: Any, truth: np.ndarray) -> None:
    """Fit the 1x1 convolution to Gaussians of the training's sigma, by least squares."""
    import torch

    cells = torch.tensor(truth / 4, dtype=torch.float64)
    v, u = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    squared = (u - cells[..., 0, None, None]) ** 2 + (v - cells[..., 1, None, None]) ** 2
    wanted = torch.exp(-squared / (2 * 2.0**2)).permute(0, 2, 3, 1).reshape(-1, 17)
    rows = features.double().permute(0, 2, 3, 1).reshape(len(wanted), -1)
    rows = torch.cat([rows, torch.ones(len(rows), 1, dtype=torch.float64)], 1)
    solved = torch.linalg.lstsq(rows, wanted).solution
    with torch.no_grad():
        head.final_layer.weight.copy_(solved[:-1].T[:, :, None, None])
        head.final_layer.bias.copy_(solved[-1])


def _fit_vectors(head: Any, features: Any, truth: np.ndarray) -> None:
    """Fit the last two products to Gaussians of the training's sigma, by least squares."""
    import torch

    rows: list[Any] = []
    watch = head.cls_x.register_forward_pre_hook(lambda _module, inputs: rows.append(inputs[0]))
    with torch.no_grad():
        head.forward((features,))
        watch.remove()
        flat = rows[0].reshape(-1, rows[0].shape[-1]).double()
        for axis, (layer, bins, sigma) in enumerate(((head.cls_x, 384, 4.9), (head.cls_y, 512, 5.66))):
            middle = torch.tensor(2 * truth[..., axis]).reshape(-1, 1)
            wanted = torch.exp(-((torch.arange(bins) - middle) ** 2) / (2 * sigma**2))
            layer.weight.copy_(torch.linalg.lstsq(flat, wanted).solution.T)
