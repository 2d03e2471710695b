"""UGCN for users of MMPose: importing this module registers its parts there; that is its only purpose.

In an MMPose config, `custom_imports = dict(imports=["lifter.training.mmpose_parts"])` lets MMPose's own `PoseLifter`
train UGCN (`configs/mmpose_ugcn_h36m.py`). `lifter.training.mmpose_weights` carries the weights over and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from mmengine.logging import MessageHub
from torch import Tensor, nn

from lifter import joints
from lifter.errors import LifterError
from lifter.losses import LossSettings, total_loss
from lifter.plain import make
from lifter.training.mmpose_weights import shape_of
from lifter.ugcn import UGCN, UGCNSettings, to_metres

try:
    from mmpose.models.backbones.base_backbone import BaseBackbone
    from mmpose.models.heads.base_head import BaseHead
    from mmpose.registry import KEYPOINT_CODECS, MODELS
except (ImportError, RuntimeError, AssertionError, ValueError) as error:  # as many ways as it has not to fit
    raise LifterError(
        f"lifter.training.mmpose_parts needs MMPose, which does not import here ({error}); install mmpose 1.x with a "
        "full mmcv, or train with `python -m lifter train`, which needs neither"
    ) from error

WITHOUT_MOTION: dict[str, Any] = {"operators": (), "derivative": "none"}


@MODELS.register_module(force=True)
class UGCNBackbone(BaseBackbone):  # type: ignore[misc]  # MMPose has no types
    """UGCN without its last layer, as a backbone of `PoseLifter`.

    Args:
        settings: fields of `lifter.ugcn.UGCNSettings`, all but `out_scale`, which is the head's.

    Raises:
        LifterError: an unknown field, a value of a wrong type or out of range.
    """

    causal = False  # a frame's answer depends on later frames; `PoseLifter` asks for it

    def __init__(self, init_cfg: Any = None, **settings: Any) -> None:
        super().__init__(init_cfg)
        if "out_scale" in settings:
            raise LifterError("UGCNBackbone: out_scale belongs to the head")
        shape = make(UGCNSettings, settings, "UGCNBackbone")
        self.network = UGCN(shape)
        del self.network.head
        told = shape_of(shape)
        self.register_buffer("shape", told.clone())
        self.register_load_state_dict_post_hook(partial(_keep_shape, told))

    def forward(self, keypoints: Tensor) -> tuple[Tensor]:
        """Turn keypoints (N, T, 17, 2), screen units, into one level of features (N, widths[0], T, 17).

        Raises:
            LifterError: keypoints of another shape.
        """
        if keypoints.ndim != 4 or keypoints.shape[2:] != (len(joints.NAMES), 2):
            raise LifterError(
                f"UGCNBackbone: keypoints (N, T, 17, 2) wanted, got {tuple(keypoints.shape)}; "
                "set reshape_keypoints=False and concat_vis=False in the codec"
            )
        return (self.network.features(keypoints),)


@MODELS.register_module(force=True)
class UGCNHead(BaseHead):  # type: ignore[misc]
    """UGCN's last layer, its losses and its decoding, for sequences of any length.

    Args:
        in_channels: `widths[0]` of the backbone.
        loss: fields of `lifter.losses.LossSettings`.
        out_scale: metres per unit of the last layer.
        decoder: the codec that made the labels; it puts the predicted pose back to where the root was.
    """

    def __init__(
        self,
        in_channels: int = 16,
        loss: Mapping[str, Any] | None = None,
        out_scale: float = 0.1,
        decoder: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(in_channels, 3, kernel_size=1)
        self.register_buffer("out_scale", torch.tensor(float(out_scale)))  # goes with the weights that it scales
        self.loss_settings = make(LossSettings, loss or {}, "UGCNHead.loss")
        self.decoder = None if decoder is None else KEYPOINT_CODECS.build(dict(decoder))

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Turn the last level of features (N, in_channels, T, 17) into (N, T, 17, 3) metres, joint 0 at 0."""
        return to_metres(self.conv(feats[-1]), self.out_scale)

    def loss(self, feats: Sequence[Tensor], batch_data_samples: Sequence[Any], train_cfg: Any = None) -> dict[str, Any]:
        """Position and motion loss (paper, Eq. 4-6), which MMEngine adds up, and `mpjpe` in metres for the log.

        Frames and joints whose target weight is 0 do not count.
        """
        labels = [sample.gt_instance_labels for sample in batch_data_samples]
        truth = torch.stack([label.lifting_target_label for label in labels])
        truth = truth - truth[..., joints.ROOT : joints.ROOT + 1, :]  # should the codec not have done it
        mask = torch.stack([label.lifting_target_weight for label in labels]) > 0
        predicted = self.forward(feats)
        step = MessageHub.get_current_instance().get_info("iter")  # of the Runner, for a warm-up; None without one
        settings: LossSettings = self.loss_settings
        position, _ = total_loss(predicted, truth, replace(settings, **WITHOUT_MOTION), mask)
        whole, _ = total_loss(predicted, truth, settings, mask, step)
        losses = {"loss_pos": position}
        if settings.operators or settings.derivative != "none":
            losses["loss_motion"] = whole - position
        with torch.no_grad():
            distances = torch.linalg.vector_norm(predicted - truth, dim=-1)
            losses["mpjpe"] = (distances * mask).sum() / mask.sum().clamp(min=1)
        return losses

    def predict(self, feats: Any, batch_data_samples: Sequence[Any], test_cfg: Any = None) -> Any:
        """Return the poses as instances: keypoints (1, T, 17, 3) metres, camera axes, put to the true root.

        Args:
            feats: of the batch, or with `flip_test` the pair of those of the batch and of its mirror image.
            batch_data_samples: with `target_root` (T, 3) among their meta information the pose is put there.
            test_cfg: `flip_test` averages with the mirror image.

        Raises:
            LifterError: `shift_coords=False`, which mirrors about 0.5: inputs here have their middle at 0.
        """
        options = test_cfg or {}
        if options.get("flip_test", False):
            if not options.get("shift_coords", True):
                raise LifterError("UGCNHead: leave shift_coords out of test_cfg; False mirrors about 0.5, not about 0")
            positions = (self.forward(feats[0]) + _mirror(self.forward(feats[1]))) / 2
        else:
            positions = self.forward(feats)
        roots = [_root(sample) for sample in batch_data_samples]
        return self.decode((positions, torch.stack(roots)))


def _keep_shape(told: Tensor, backbone: UGCNBackbone, _keys: Any) -> None:
    """Let a backbone tell its own shape, not that of the weights it was given."""
    backbone.shape.copy_(told)


def _root(sample: Any) -> Tensor:
    """Return where a sample's root is, (T, 1, 3) as the codec can add it; without elements where it is not told."""
    root = sample.metainfo.get("target_root")
    return torch.zeros(0) if root is None else torch.as_tensor(root)[..., None, :]


def _mirror(positions: Tensor) -> Tensor:
    """Mirror (N, T, 17, 3) about x = 0; as `joints.mirror`, on tensors."""
    swapped = positions[:, :, list(joints.MIRROR)]
    return torch.cat([-swapped[..., :1], swapped[..., 1:]], dim=-1)
