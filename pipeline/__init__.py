"""The conductor: alone knows detectors, lifter and render, touches files, and translates between them."""
