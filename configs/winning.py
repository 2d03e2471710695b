# Training data worth more: ugcn.py's training with everybody's bodies, motions joined, cameras of all kinds that stand,
# turn, move and shake, the picture's edge, and in three clips of four the noise of measured detectors. Each part is a
# share of its own, 0 to leave it out: --cfg-options train_dataloader.dataset.takes.path=0. The validation films stay
# those of ugcn.py, so that gains are measured on the same ones. The truth is in the axes of the ray to the person, who
# is up to 40 degrees off these cameras' axes, which person units do not tell.
_base_ = "ugcn.py"
model = dict(recipe=dict(axes="ray"))
train_dataloader = dict(
    dataset=dict(
        people=dict(population=True, children=0.15, join=0.2),
        takes=dict(wide=0.6, path=0.5, moving=0.15, shaking=0.3, edge=0.7),
        noise=dict(detectors=("mediapipe", "onnx"), plain=0.25),
    ),
)
