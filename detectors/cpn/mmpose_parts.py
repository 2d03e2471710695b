"""CPN's parts for MMPose: importing this module registers them there; that is its only purpose.

The configs beside it name it in `custom_imports`. Beside mmcv-lite, MMPose only imports after `mm_compat.prepare()`.
The losses are MMPose's own (`KeypointMSELoss`, and `KeypointOHKMMSELoss` for the hard key points).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.codecs import MegviiHeatmap
from mmpose.datasets.transforms import TopdownAffine
from mmpose.models.heads.base_head import BaseHead
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import KEYPOINT_CODECS, MODELS, TRANSFORMS
from mmpose.structures.bbox import get_warp_matrix
from numpy.typing import NDArray
from torch import Tensor, nn, stack

from detectors.cpn.network import GlobalNet, RefineNet, predictor, start_weights

_MEAN_BGR = (103, 116, 123)  # of the pictures CPN was trained with: what its crops show beyond a picture's border
_BORDER = 10  # cells of zeros around a heat map while it is blurred
_BLUR = 21  # cells across
_STEP = 0.25  # of a cell, from the peak towards the second

MODELS.register_module(name="CPNGlobalNet", module=GlobalNet, force=True)


@MODELS.register_module(force=True)
class CPNHead(BaseHead):  # type: ignore[misc]  # MMPose has no types
    """Heat maps of every level of `CPNGlobalNet`, for training, and RefineNet's, which count.

    Args:
        out_channels: joints, K.
        out_shape: (height, width) of the heat maps.
        levels: of the pyramid.
        loss: a loss for each level, coarse to fine, and RefineNet's last; takes heat maps, targets and weights.
        decoder: the codec that turns heat maps into key points.
    """

    def __init__(
        self,
        out_channels: int = 17,
        out_shape: tuple[int, int] = (64, 48),
        levels: int = 4,
        loss: Sequence[Mapping[str, Any]] = (),
        decoder: Mapping[str, Any] | None = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        self.global_predict = nn.ModuleList(predictor(out_channels, out_shape) for _ in range(levels))
        start_weights(self.global_predict)
        self.refine = RefineNet(out_channels, out_shape, levels)
        self.loss_modules = nn.ModuleList(MODELS.build(dict(one)) for one in loss)
        self.decoder = None if decoder is None else KEYPOINT_CODECS.build(dict(decoder))

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Turn the pyramid's features, coarse to fine, into RefineNet's heat maps (N, K, height, width)."""
        maps: Tensor = self.refine(feats)
        return maps

    def loss(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: Sequence[Any],
        train_cfg: Any = None,  # noqa: ARG002  # MMPose gives it to every head
    ) -> dict[str, Any]:
        """Return `loss_global`, the sum over the levels, and `loss_refine`; MMEngine adds them up.

        Every sample has a level of targets for each loss, as `GenerateTarget` makes them of as many `CPNHeatmap`.
        """
        predicted = [layers(f) for layers, f in zip(self.global_predict, feats, strict=True)]
        predicted.append(self.forward(feats))
        losses = []
        for level, (maps, measure) in enumerate(zip(predicted, self.loss_modules, strict=True)):
            targets = stack([sample.gt_fields[level].heatmaps for sample in batch_data_samples])
            weights = stack([s.gt_instance_labels.keypoint_weights[level, 0] for s in batch_data_samples])
            losses.append(measure(maps, targets, weights))
        return {"loss_global": sum(losses[:-1]), "loss_refine": losses[-1]}

    def predict(self, feats: Any, batch_data_samples: Sequence[Any], test_cfg: Any = None) -> Any:
        """Return the key points as instances, in pixels of the crop, one person each.

        Args:
            feats: of the batch, or with `flip_test` the pair of those of the batch and of its mirror image.
            batch_data_samples: the first tells `flip_indices`.
            test_cfg: `flip_test` averages with the mirror image; `shift_heatmap` moves that one by a cell.
        """
        options = test_cfg or {}
        if not options.get("flip_test", False):
            return self.decode(self.forward(feats))
        plain, mirrored = feats
        flipped = flip_heatmaps(
            self.forward(mirrored),
            flip_indices=batch_data_samples[0].metainfo["flip_indices"],
            flip_mode="heatmap",
            shift_heatmap=options.get("shift_heatmap", False),
        )
        return self.decode((self.forward(plain) + flipped) / 2)


@KEYPOINT_CODECS.register_module(force=True)
class CPNHeatmap(MegviiHeatmap):  # type: ignore[misc]
    """CPN's heat maps: a blurred dot of height 255 a joint; read by its two highest cells.

    MMPose's own reading of such maps blurs less and steps along the axes.

    Args:
        input_size, heatmap_size: (width, height) of the crop and of the maps.
        kernel_size: of the blur, cells across, odd.
        clear_only: occluded joints (`CPNVisibility`) have empty maps, and every map counts: GlobalNet learns to be
            silent about what it does not see. Else they are joints like others, and only maps of known joints count.
    """

    auxiliary_encode_keys = {"keypoints_visible_weights"}  # noqa: RUF012  # as MMPose declares it

    def __init__(
        self, input_size: tuple[int, int], heatmap_size: tuple[int, int], kernel_size: int, clear_only: bool = False
    ) -> None:
        super().__init__(input_size, heatmap_size, kernel_size)
        self.clear_only = clear_only

    def encode(
        self,
        keypoints: NDArray[np.float32],
        keypoints_visible: NDArray[np.float32],
        keypoints_visible_weights: NDArray[np.float32],
    ) -> dict[str, Any]:
        """Return heatmaps (K, H, W) and keypoint_weights (1, K) of key points (1, K, 2), pixels of the crop.

        Args:
            keypoints: where they are.
            keypoints_visible: (1, K), 1 where the joint is known.
            keypoints_visible_weights: (1, K), 1 where it can be seen.
        """
        shown = keypoints_visible * keypoints_visible_weights if self.clear_only else keypoints_visible
        encoded: dict[str, Any] = super().encode(keypoints, shown)
        if self.clear_only:
            encoded["keypoint_weights"] = np.ones_like(shown)
        return encoded

    def decode(self, encoded: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Find the joint in every map: its highest cell after a blur, a quarter of a cell towards the second.

        Args:
            encoded: (K, H, W) heat maps.

        Returns:
            keypoints (1, K, 2), pixels of the crop; scores (1, K), the map's own height there in shares of 255. The
            public version adds 0.5 to them, which COCO's ranking does not notice; here 0 stays "not seen".
        """
        encoded = np.asarray(encoded, np.float32)  # OpenCV does not blur half precision
        count, height, width = encoded.shape
        cells = np.stack([_two_cells(heatmap) for heatmap in encoded])  # (K, 2, 2): the first, the second; x, y
        step = cells[:, 1] - cells[:, 0]
        length = np.maximum(np.hypot(*step.T), 1)[:, None]  # cells are whole: 0 only where they are the same
        points = np.clip(cells[:, 0] + _STEP * step / length, 0, (width - 1, height - 1))
        x, y = np.rint(points).astype(np.int64).T
        scores = encoded[np.arange(count), y, x] / 255
        return ((points + 0.5) * self.scale_factor)[None].astype(np.float32), scores[None].astype(np.float32)


@TRANSFORMS.register_module(force=True)
class CPNVisibility(BaseTransform):  # type: ignore[misc]
    """Take from COCO's annotation which of the known joints can be seen (2), not only which are known (1, 2).

    Stands before whatever mirrors. Makes `keypoints_visible` (1, K, 2): known, seen.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace `keypoints_visible`, with the help of `raw_ann_info`."""
        told = np.asarray(results["raw_ann_info"]["keypoints"], np.float32).reshape(1, -1, 3)[..., 2]
        return {**results, "keypoints_visible": np.stack([told > 0, told > 1], -1).astype(np.float32)}


@TRANSFORMS.register_module(force=True)
class CPNCrop(TopdownAffine):  # type: ignore[misc]
    """MMPose's crop, but as CPN was trained: the mean colour beyond the picture, pixels as areas and not as points."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop `img` (H, W, 3), BGR, to `input_size` around `bbox_center`; `keypoints` go with it."""
        picture = results["img"]
        results = super().transform({**results, "img": []})  # everything but pictures
        rotation = results["bbox_rotation"][0] if "bbox_rotation" in results else 0.0
        matrix = get_warp_matrix(results["input_center"], results["input_scale"], rotation, self.input_size)
        matrix[:, 2] += (matrix[:, :2].sum(1) - 1) / 2  # areas: the middle of pixel 0 is 0.5
        results["img"] = cv2.warpAffine(picture, matrix, self.input_size, flags=cv2.INTER_LINEAR, borderValue=_MEAN_BGR)
        return results


def _two_cells(heatmap: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (2, 2): the x, y of the highest and the second highest cell of a blurred (H, W) map."""
    blurred = cv2.GaussianBlur(np.pad(heatmap, _BORDER), (_BLUR, _BLUR), 0)
    first = int(blurred.argmax())
    blurred.flat[first] = 0
    rows, columns = np.unravel_index([first, int(blurred.argmax())], blurred.shape)
    return np.stack([columns, rows], -1) - _BORDER
