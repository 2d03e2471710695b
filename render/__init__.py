"""Drawing: arrays in, pictures out. Knows no file, no detector and no network."""
