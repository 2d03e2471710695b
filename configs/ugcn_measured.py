# The shipped lifter's training (ugcn.py), its films seen by measured detectors (lifter/detector_noise/detectors.toml)
# in three clips of four. Your own detector: `python -m lifter measure ... --out DIR`, then DIR/noise.toml as a name.
_base_ = "ugcn.py"
train_dataloader = dict(dataset=dict(noise=dict(detectors=("mediapipe", "onnx"), plain=0.25)))
