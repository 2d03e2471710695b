# The paper's training on Human3.6M (sections 4.1 and 4.2), about 129,000 steps: 2D ground truth in, motion loss
# (cross product, intervals 8, 12, 16, 24), dropout 0.5, the last epoch's weights.
# Detected 2D: --keypoints cpn_ft_h36m_dbb. Without motion loss: --cfg-options "model.loss.operators=()".
_base_ = "base.py"
model = dict(network=dict(dropout=0.5))
