# Comparisons on motion capture filmed by a studio's cameras (`prepare mocap`): the paper's network and shape of
# schedule, at a size that a processor can afford. Short schedules want dropout 0.1 and a plain distance beside half
# the motion loss, as `ugcn.py`.
_base_ = "base.py"
model = dict(network=dict(dropout=0.1), loss=dict(position="norm", weight=0.5), autocast=True)
train_dataloader = dict(
    batch_size=16,
    sampler=dict(
        draws=1600,  # 100 steps an epoch
        # Hours do not tell how varied a set is.
        balance=dict(cmu_daz=0.3, cmu_amc=0.3, cmu8=0.15, uiprmd=0.25),
    ),
    dataset=dict(folder="work_dirs/data/mocap"),
)
optim_wrapper = dict(clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, end=100, by_epoch=False),
    dict(type="MultiStepLR", milestones=[11, 12, 14], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=15, val_interval=5)
val_dataloader = dict(
    batch_size=32,
    sampler=dict(type="WindowSampler", shuffle=False),
    dataset=dict(type="WindowDataset", folder="work_dirs/data/mocap", keypoints="gt", split="validation", step=96),
)
val_cfg = dict()
val_evaluator = dict(type="SlidingWindowPose3DMetric")
