"""Checkpoints with random weights, in MMEngine's own format: MMPose detectors run with them where none can be fetched.

    python tests/random_weights.py hrnet FOLDER
    python -m pipeline run VIDEO --detector hrnet --checkpoint FOLDER/hrnet.pth --box-model FOLDER/rtmdet.pth

The key points mean nothing. The box model is not random at its very end: it finds one person, the whole picture.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from detectors import mm_boxes, mm_build, mm_compat, mm_models

MODELS = {model.name: model for model in (mm_models.HRNET, mm_models.HRNET_W48, mm_models.RTMPOSE)}
NANO, MEDIUM = mm_boxes.BOX_CONFIGS


def write_pose(path: Path, name: str, seed: int = 0) -> None:
    """Write a checkpoint for the key point model `name`; HRNet's scores spread over 0..1, RTMPose's stay small."""
    import torch

    network = _network(MODELS[name].config, "mmpose", seed)
    if name != "rtmpose":
        size = network.head.decoder.input_size[::-1]
        with torch.inference_mode():
            maps = network.head(network.extract_feat(torch.randn(1, 3, *size)))
        scale = 0.6 / maps.amax((2, 3))[0]  # (J,): every map's peak at 0.6 on noise
        with torch.no_grad():
            network.head.final_layer.weight *= scale[:, None, None, None]
            network.head.final_layer.bias *= scale
    save(path, network.state_dict())


def write_boxes(path: Path, width: int = NANO, seed: int = 0) -> None:
    """Write a checkpoint for RTMDet (`NANO` or `MEDIUM`) that finds one person as large as any picture."""
    import torch

    network = _network(mm_boxes.BOX_CONFIGS[width], "mmdet", seed)
    head = network.bbox_head
    far = 4.0 if head.exp_on_reg else 60.0  # far beyond the picture; boxes are cut to it
    with torch.no_grad():
        for level in range(3):
            head.rtm_cls[level].weight.zero_()
            head.rtm_cls[level].bias.fill_(2.0 if level == 2 else -10.0)
            head.rtm_reg[level].weight.zero_()
            head.rtm_reg[level].bias.fill_(far)
    save(path, network.state_dict())


def save(path: Path, state: dict[str, Any]) -> None:
    """Write weights as MMEngine's runner does, with numpy arrays and its training history beside them."""
    from mmengine.logging import HistoryBuffer
    from mmengine.runner.checkpoint import save_checkpoint

    meta = {
        "dataset_meta": {"dataset_name": "coco", "sigmas": np.full(17, 0.05), "names": np.array(["nose", "left_eye"])},
        "seed": np.int64(0),
        "loss": np.float32(0.5),
        "mmengine_version": "0.10.7",
    }
    history = {"log_scalars": {"train/loss": HistoryBuffer([0.5, 0.25], [1, 1])}}
    with mm_compat.quiet():
        save_checkpoint({"meta": meta, "state_dict": state, "message_hub": history}, str(path))


def _network(config: str, scope: str, seed: int) -> Any:
    """Build a network with random weights, the same for the same seed."""
    import torch

    mm_compat.prepare()
    torch.manual_seed(seed)
    with mm_compat.quiet(), mm_build.scope(scope):
        return mm_build.build(mm_build.read_config(config))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in MODELS:
        raise SystemExit(f"usage: python tests/random_weights.py {'|'.join(MODELS)} FOLDER")
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    write_pose(folder / f"{sys.argv[1]}.pth", sys.argv[1])
    write_boxes(folder / "rtmdet.pth")
