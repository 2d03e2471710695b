# For users of MMPose 1.x: its own PoseLifter, data set and metric train UGCN with the motion loss on Human3.6M as
# MMPose's `preprocess_h36m.py` prepares it. Not for `python -m lifter train`, whose config is paper_h36m.py. Start:
#   python tools/train.py configs/mmpose_ugcn_h36m.py        (in MMPose's checkout, with this project installed)
# and bring the result here with `lifter.training.mmpose_weights.convert`. Beside mmcv-lite, MMPose only imports after
# `detectors.mm_compat.prepare()`. MMPose reads cameras.pkl as a pickle: take it from nobody else.
custom_imports = dict(imports=["lifter.training.mmpose_parts"], allow_failed_imports=False)
default_scope = "mmpose"

# Schedule and optimiser: the paper's (section 4.2); weight decay on convolutions only.
train_cfg = dict(by_epoch=True, max_epochs=110, val_interval=10)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    optimizer=dict(type="Adam", lr=1e-2, weight_decay=1e-5),
    paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys={"edge_importance": dict(decay_mult=0.0)}),
)
param_scheduler = [dict(type="MultiStepLR", milestones=[80, 90, 100], gamma=0.1, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=256)
randomness = dict(seed=0)
default_hooks = dict(checkpoint=dict(type="CheckpointHook", interval=10), logger=dict(type="LoggerHook", interval=50))

# Needs the picture's size from cameras.pkl (`w`, `h`): x and y by half the width, the middle at 0.
codec = dict(
    type="VideoPoseLifting",
    num_keypoints=17,
    zero_center=True,
    root_index=0,
    remove_root=False,
    reshape_keypoints=False,  # (T, 17, 2), not (34, T)
)
model = dict(
    type="PoseLifter",
    backbone=dict(type="UGCNBackbone", widths=(16, 32, 64, 128, 256), dropout=0.5),
    head=dict(
        type="UGCNHead",
        in_channels=16,
        loss=dict(position="squared", operators=("cross",), intervals=(8, 12, 16, 24), weight=1.0),
        decoder=codec,
    ),
    test_cfg=dict(flip_test=True),
)

meta_keys = ("id", "category_id", "target_img_path", "flip_indices", "target_root")
train_pipeline = [
    # First to units whose middle is 0, then mirror the labels about 0: MMPose's own configs mirror pixels about 0.5.
    dict(type="GenerateTarget", encoder=codec),
    dict(
        type="RandomFlipAroundRoot",
        keypoints_flip_cfg=dict(center_mode="static", center_x=0.0),
        target_flip_cfg=dict(center_mode="static", center_x=0.0),
        flip_label=True,
    ),
    dict(type="PackPoseInputs", meta_keys=meta_keys),
]
val_pipeline = [
    dict(type="GenerateTarget", encoder=codec),
    dict(type="PackPoseInputs", meta_keys=meta_keys),
]

# Sequence to sequence: windows of 96 frames, every 5 (the paper's). MMPose keeps a copy of each, about 0.1 MB:
# 30 GB for the 301,000 of Human3.6M. Raise multiple_target_step where memory is short; epochs are shorter then.
data = dict(
    type="Human36mDataset",
    seq_len=1,
    multiple_target=96,
    data_root="data/h36m/",
    data_prefix=dict(img="images/"),
    camera_param_file="annotation_body3d/cameras.pkl",
)
train_dataloader = dict(
    batch_size=256,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        **data,
        ann_file="annotation_body3d/fps50/h36m_train.npz",
        multiple_target_step=5,
        pipeline=train_pipeline,
    ),
)
# In validation MMPose's windows lie side by side: no averaging of windows, and up to 95 frames at the end of each
# video are not scored. The paper's protocol is `python -m lifter evaluate` on the converted weights.
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False, round_up=False),
    dataset=dict(
        **data,
        ann_file="annotation_body3d/fps50/h36m_test.npz",
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
# Not n-mpjpe: MMPose scales absolute positions, which says nothing of the pose.
val_evaluator = [dict(type="MPJPE", mode="mpjpe"), dict(type="MPJPE", mode="p-mpjpe")]
test_evaluator = val_evaluator
