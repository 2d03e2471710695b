# The shipped lifter: endless clips of motion capture on new bodies, by random cameras, seen by a noisy detector.
# The network is the paper's; the loss keeps the motion loss beside a plain distance, the better balance on a
# short schedule; dropout 0.1 for the same reason.
_base_ = "base.py"
model = dict(
    network=dict(dropout=0.1),
    loss=dict(position="norm", weight=0.5),
    recipe=dict(normalisation="person"),
    autocast=True,
)
train_dataloader = dict(
    batch_size=32,
    sampler=dict(_delete_=True, type="EndlessSampler", draws=16000),  # 500 steps an epoch
    dataset=dict(
        _delete_=True,
        type="FilmedDataset",
        folder="mocap",
        # Hours do not tell how varied a set is.
        shares=dict(cmu_daz=0.35, cmu_amc=0.25, cmu8=0.12, uiprmd=0.28),
    ),
)
val_dataloader = dict(
    batch_size=32,
    sampler=dict(type="WindowSampler", shuffle=False),
    dataset=dict(type="FilmedDataset", folder="mocap", split="validation", length=256, seed=12345),
)
val_cfg = dict()
val_evaluator = dict(type="SlidingWindowPose3DMetric")
optim_wrapper = dict(clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.005, end=200, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=200, end=6500, T_max=6300, eta_min=0.0, by_epoch=False),
]
train_cfg = dict(max_epochs=13)
custom_hooks = [dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=0.002, update_buffers=True)]
