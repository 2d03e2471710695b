"""2D detectors: an iterator of pictures in, the people of every picture out, in the detector's own joints."""
