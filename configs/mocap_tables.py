# The reduced schedule of `tables` on motion capture: the paper's loss; half its channels, small batches and
# few steps, so that dozens of trainings fit into hours of a processor. The rest is `mocap.py`'s.
_base_ = "mocap.py"
model = dict(
    network=dict(widths=(8, 16, 32, 64, 128)),
    loss=dict(position="squared", weight=1.0),
)
train_dataloader = dict(batch_size=8, sampler=dict(draws=800))  # 100 steps an epoch
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, end=50, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=50, end=500, T_max=450, eta_min=0.0, by_epoch=False),
]
train_cfg = dict(max_epochs=5)
