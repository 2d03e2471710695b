# The shipped lifter's second half: goes on from the weights of ugcn.py (`--from`) with the training data worth more, at
# a third of the learning rate.
_base_ = "winning.py"
optim_wrapper = dict(optimizer=dict(lr=3e-3))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.02, end=100, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=100, end=5500, T_max=5400, eta_min=0.0, by_epoch=False),
]
train_cfg = dict(max_epochs=11)
