"""MMEngine config: CPN-50 at 384x288; its weights have the same names and shapes as those for 256x192."""

_base_ = ["coco_256x192.py"]

input_size = (288, 384)
heatmap_size = (72, 96)
sizes = {"type": "CPNHeatmap", "input_size": input_size, "heatmap_size": heatmap_size}
codec = [
    {**sizes, "kernel_size": 23, "clear_only": True},
    {**sizes, "kernel_size": 17, "clear_only": True},
    {**sizes, "kernel_size": 13, "clear_only": True},
    {**sizes, "kernel_size": 9, "clear_only": True},
    {**sizes, "kernel_size": 9},
]
model = {"head": {"out_shape": heatmap_size[::-1], "decoder": codec[-1]}}
box = {"type": "GetBBoxCenterScale", "padding": (1.2, 1.3)}
crop = {"type": "CPNCrop", "input_size": input_size}
test_pipeline = [{"type": "LoadImage"}, box, crop, {"type": "PackPoseInputs"}]
test_dataloader = {"dataset": {"pipeline": test_pipeline}}
