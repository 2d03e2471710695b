"""Motion capture: packed sets, BVH and ASF/AMC, their skeletons brought to 17 joints, and tiny stand-ins."""
