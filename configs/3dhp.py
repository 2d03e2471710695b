# The paper's training on MPI-INF-3DHP (section 4.4), native frame rates, 2D ground truth in.
_base_ = "base.py"
model = dict(network=dict(dropout=0.5), recipe=dict(rate_hz=25.0))
train_dataloader = dict(dataset=dict(folder="work_dirs/data/3dhp"))
