"""Motion capture on new bodies before cameras that are not there, seen by detectors that err."""
