"""Films of drawn people who perform motion capture, with the set of their true poses: unlimited film for detectors."""
