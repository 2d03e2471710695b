# The reduced schedule of `tables` on motion capture: the paper's loss, and a sixth of `mocap.py`'s steps, so that
# dozens of trainings fit into hours of a processor. (Half the channels and batches of 8 would cost half as much, and
# end 40 mm worse.)
_base_ = "mocap.py"
model = dict(loss=dict(position="squared", weight=1.0))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, end=50, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=50, end=500, T_max=450, eta_min=0.0, by_epoch=False),
]
train_cfg = dict(max_epochs=5)
