# What all trainings share. A config is a program: run only those you trust.
recipe = dict(normalisation="screen", rate_hz=50.0, window=96)
model = dict(
    type="LifterModel",
    network=dict(type="ugcn"),
    loss=dict(position="squared", operators=("cross",), intervals=(8, 12, 16, 24), weight=1.0),
    recipe=recipe,
    autocast=False,
)
train_dataloader = dict(
    batch_size=256,  # of one process: under torchrun, divide it by their number
    sampler=dict(type="WindowSampler"),
    dataset=dict(type="WindowDataset", folder="work_dirs/data/h36m", keypoints="gt", split="train", step=5),
)
optim_wrapper = dict(
    optimizer=dict(type="Adam", lr=1e-2, weight_decay=1e-5),
    # Weight decay on convolutions only (paper, section 4.2).
    paramwise_cfg=dict(norm_decay_mult=0.0, custom_keys={"edge_importance": dict(decay_mult=0.0)}),
)
param_scheduler = [dict(type="MultiStepLR", milestones=[80, 90, 100], gamma=0.1, by_epoch=True)]
train_cfg = dict(by_epoch=True, max_epochs=110)
randomness = dict(seed=0)
vis_backends = [dict(type="TensorboardVisBackend")]
visualizer = dict(type="Visualizer", vis_backends=vis_backends)
