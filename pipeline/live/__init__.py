"""Motion from a camera, a stream or a film while it runs: `python -m pipeline live`.

`source` gives frames as they come, `newest` keeps only the newest of them, `crowd` knows people again from frame to
frame, `motion` lifts each from a window that ends now, `screen` paints, `record` keeps film and arrays, `command` puts
these together. What is slow costs frames, never time: the next frame is always the newest one.
"""
