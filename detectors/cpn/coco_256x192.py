"""MMEngine config: CPN-50 at 256x192 for COCO's 17 joints, the model and what its pictures go through."""

custom_imports = {"imports": ["detectors.cpn.mmpose_parts"], "allow_failed_imports": False}
default_scope = "mmpose"

input_size = (192, 256)
heatmap_size = (48, 64)
sizes = {"type": "CPNHeatmap", "input_size": input_size, "heatmap_size": heatmap_size}
# The coarser the level, the wider its targets; RefineNet's are as narrow as the finest, and know occluded joints.
codec = [
    {**sizes, "kernel_size": 15, "clear_only": True},
    {**sizes, "kernel_size": 11, "clear_only": True},
    {**sizes, "kernel_size": 9, "clear_only": True},
    {**sizes, "kernel_size": 7, "clear_only": True},
    {**sizes, "kernel_size": 7},
]
level_loss = {"type": "KeypointMSELoss", "use_target_weight": True, "loss_weight": 0.5}
model = {
    "type": "TopdownPoseEstimator",
    "data_preprocessor": {
        "type": "PoseDataPreprocessor",
        "mean": [122.7717, 115.9465, 102.9801],
        "std": [255.0, 255.0, 255.0],
        "bgr_to_rgb": True,
    },
    "backbone": {
        "type": "ResNet",
        "depth": 50,
        "out_indices": (0, 1, 2, 3),
        "init_cfg": {"type": "Pretrained", "checkpoint": "torchvision://resnet50"},
    },
    "neck": {"type": "CPNGlobalNet", "in_channels": (256, 512, 1024, 2048)},
    "head": {
        "type": "CPNHead",
        "out_channels": 17,
        "out_shape": heatmap_size[::-1],
        "loss": [
            level_loss,
            level_loss,
            level_loss,
            level_loss,
            {"type": "KeypointOHKMMSELoss", "use_target_weight": True, "topk": 8},  # the 8 hardest of 17
        ],
        "decoder": codec[-1],
    },
    "test_cfg": {"flip_test": True, "flip_mode": "heatmap", "shift_heatmap": False},
}

# A tenth of the box's width and 15 % of its height are added at each side.
box = {"type": "GetBBoxCenterScale", "padding": (1.2, 1.3)}
crop = {"type": "CPNCrop", "input_size": input_size}
test_pipeline = [{"type": "LoadImage"}, box, crop, {"type": "PackPoseInputs"}]
test_dataloader = {"dataset": {"type": "CocoDataset", "pipeline": test_pipeline}}
