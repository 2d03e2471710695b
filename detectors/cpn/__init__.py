"""CPN, the cascaded pyramid network (Chen et al., CVPR 2018): its parts for MMPose, and the way of public weights.

`network` is the arithmetic, in torch alone; `mmpose_parts` registers it with MMPose when it is imported, not before;
`coco_256x192.py` and `coco_384x288.py` are MMEngine configs; `detector` is what `--detector cpn` makes; `convert`
renames the public version's weights.
"""
