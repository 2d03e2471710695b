"""The verbs of `python -m lifter`, one file each: `add_arguments(parser)` and `run(given) -> exit code`.

Nothing heavy is imported at the top of these files, so that `--help` is instant.
"""
