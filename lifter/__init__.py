"""The lifter: 2D keypoints of a film in, 3D joint positions out (UGCN, Wang et al., ECCV 2020)."""
