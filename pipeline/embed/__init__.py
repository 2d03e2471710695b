"""The pipeline from Python: typed results, arrays without a film, and MMPose's form; `pipeline` itself names them."""
