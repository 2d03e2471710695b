"""How detectors err: measured joint by joint against the truth, kept as presets, and made anew for training."""
