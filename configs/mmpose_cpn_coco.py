# For users of MMPose 1.x: CPN trained on COCO's key points as its public PyTorch version is (GengDavid/pytorch-cpn).
# The network, its losses and its crops stand in detectors/cpn/coco_256x192.py (or coco_384x288.py). Start:
#   python tools/train.py configs/mmpose_cpn_coco.py         (in MMPose's checkout, with this project installed)
# and give the result to the pipeline as `--detector cpn --checkpoint work_dirs/.../epoch_128.pth`. Beside mmcv-lite,
# MMPose only imports after `detectors.mm_compat.prepare()`.
_base_ = ["../detectors/cpn/coco_256x192.py"]

# The public version shows each person four times an epoch (as is, mirrored, twice turned) for 32 epochs.
train_cfg = dict(by_epoch=True, max_epochs=128, val_interval=8)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type="Adam", lr=5e-4, weight_decay=1e-5))
param_scheduler = [dict(type="MultiStepLR", milestones=[24, 48, 72, 96, 120], gamma=0.5, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=32)
randomness = dict(seed=0)
default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", interval=8, save_best="coco/AP", rule="greater"),
    logger=dict(type="LoggerHook", interval=50),
)

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="CPNVisibility"),
    _base_.box,
    dict(type="RandomFlip", direction="horizontal", prob=0.25),
    dict(
        type="RandomBBoxTransform",
        shift_prob=0.0,
        scale_factor=(0.7, 1.35),
        rotate_factor=45.0,
        rotate_prob=0.5,
    ),
    _base_.crop,
    dict(type="PhotometricDistortion"),  # the public version: each colour by 0.8 to 1.2
    dict(type="GenerateTarget", multilevel=True, encoder=_base_.codec),
    dict(type="PackPoseInputs"),
]
data = dict(type="CocoDataset", data_root="data/coco/", data_mode="topdown")
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        **data,
        ann_file="annotations/person_keypoints_train2017.json",
        data_prefix=dict(img="train2017/"),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False, round_up=False),
    dataset=dict(
        **data,
        ann_file="annotations/person_keypoints_val2017.json",
        data_prefix=dict(img="val2017/"),
        test_mode=True,
        pipeline=_base_.test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="CocoMetric", ann_file="data/coco/annotations/person_keypoints_val2017.json")
test_evaluator = val_evaluator
