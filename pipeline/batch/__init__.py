"""Many films in one go: `python -m pipeline batch`.

`films` finds them and gives each a folder, `job` does one, `workers` does many on this machine, `cluster` on many
machines by Ray, `summary` tells how it went, `command` puts these together. A film that fails, or even takes its
process down, never stops the others.
"""
