"""Which of MMPose's key point models there are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PoseModel:
    """A key point model.

    Attributes:
        name: in `weights.ZOO`.
        title: what messages call it.
        config: its configuration inside the wheel.
        exports: `mm_export` knows its crops and its decoding.
    """

    name: str
    title: str
    config: str
    exports: bool = False


_COCO = "configs/body_2d_keypoint/topdown_heatmap/coco"
HRNET = PoseModel("hrnet", "HRNet-W32 256x192", f"{_COCO}/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py", True)
HRNET_W48 = PoseModel("hrnet-w48", "HRNet-W48 384x288", f"{_COCO}/td-hm_hrnet-w48_8xb32-210e_coco-384x288.py", True)
RTMPOSE = PoseModel(
    "rtmpose",
    "RTMPose-m 256x192",
    "configs/body_2d_keypoint/rtmpose/coco/rtmpose-m_8xb256-420e_coco-256x192.py",
    True,
)
