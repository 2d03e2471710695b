"""Networks of MMPose and MMDetection from the configurations inside their wheels."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_config(path: str) -> Any:
    """Read a configuration of MMPose's wheel, without the weights it would fetch to train from."""
    import mmpose
    from mmengine.config import Config

    config = Config.fromfile(Path(mmpose.__file__).parent / ".mim" / path)
    config.model.backbone.init_cfg = None
    config.model.train_cfg = None
    return config


def build(config: Any) -> Any:
    """Build the network (a mmengine BaseModel) of a configuration, ready to infer."""
    from mmengine.model.utils import revert_sync_batchnorm
    from mmengine.registry import MODELS

    return revert_sync_batchnorm(MODELS.build(config.model)).eval()


def scope(name: str) -> Any:
    """Return a context in which names in a configuration mean classes of the package `name`."""
    from mmengine.registry import DefaultScope

    return DefaultScope.overwrite_default_scope(name)
