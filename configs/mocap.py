# Comparisons on motion capture filmed by a studio's cameras (`prepare mocap`), at a size that a processor can afford:
# the paper's network, a plain distance beside half the motion loss (as `ugcn.py`), and what short schedules want, for
# every network alike: no dropout, a cosine to 0, averaged weights, people measured by themselves.
_base_ = "base.py"
model = dict(
    network=dict(dropout=0.0),
    loss=dict(position="norm", weight=0.5),
    recipe=dict(normalisation="person"),
    autocast=True,
)
train_dataloader = dict(
    batch_size=16,
    sampler=dict(
        draws=1600,  # 100 steps an epoch
        # Hours do not tell how varied a set is.
        balance=dict(cmu_daz=0.3, cmu_amc=0.3, cmu8=0.15, uiprmd=0.25),
    ),
    dataset=dict(folder="work_dirs/data/mocap"),
)
val_dataloader = dict(
    batch_size=32,
    sampler=dict(type="WindowSampler", shuffle=False),
    dataset=dict(type="WindowDataset", folder="work_dirs/data/mocap", keypoints="gt", split="validation", step=96),
)
val_cfg = dict()
val_evaluator = dict(type="SlidingWindowPose3DMetric")
optim_wrapper = dict(clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, end=100, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=100, end=3000, T_max=2900, eta_min=0.0, by_epoch=False),
]
train_cfg = dict(max_epochs=30, val_interval=10)
custom_hooks = [dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=0.01, update_buffers=True)]
