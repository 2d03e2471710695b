# The reduced schedule of `tables` on motion capture: half the paper's channels, so that dozens of trainings fit into
# hours of a processor; everything else is the paper's loss and network (`mocap.py`).
_base_ = "mocap.py"
model = dict(network=dict(widths=(8, 16, 32, 64, 128)), loss=dict(position="squared", weight=1.0))
