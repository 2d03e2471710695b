"""Weights of the public PyTorch version of CPN (GengDavid/pytorch-cpn) to those of the `cpn` detector.

    python -m detectors.cpn.convert IN OUT

The file is read as data: nothing in it runs. Every tensor of the network must be there in its shape, or nothing is
written. Weights for 256x192 and 384x288 have one form, so either serves, with `--detector cpn` or `cpn-384`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detectors import checkpoint, mm_compat
from detectors.base import DetectorError

if TYPE_CHECKING:
    import torch

# How names begin there, and here.
PREFIXES = {
    "resnet.": "backbone.",
    "global_net.laterals.": "neck.laterals.",
    "global_net.upsamples.": "neck.upsamples.",
    "global_net.predict.": "head.global_predict.",
    "refine_net.": "head.refine.",
}


def renamed(state: Mapping[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """Return the tensors under our names.

    Args:
        state: name in the public version, without `module.` -> tensor.

    Raises:
        DetectorError: a name that the public version does not have.
    """
    found: OrderedDict[str, torch.Tensor] = OrderedDict()
    for name, tensor in state.items():
        old = next((prefix for prefix in PREFIXES if name.startswith(prefix)), None)
        if old is None:
            raise DetectorError(
                f"{name!r} is no name in a checkpoint of the public PyTorch CPN (GengDavid/pytorch-cpn)"
            )
        found[PREFIXES[old] + name.removeprefix(old)] = tensor
    return _without_biases(found)


def _without_biases(state: OrderedDict[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """Take biases that old versions add before a batch norm off the mean that it subtracts: the same network."""
    for level in range(3):
        bias = state.pop(f"neck.upsamples.{level}.1.bias", None)
        mean = f"neck.upsamples.{level}.2.running_mean"
        if bias is not None and mean in state and state[mean].shape == bias.shape:
            state[mean] = state[mean] - bias
    return state


def convert(source: Path, target: Path) -> None:
    """Write the weights of a public checkpoint as the `cpn` detector reads them.

    Args:
        source: the public version's file, with or without its optimizer.
        target: appears whole or not at all.

    Raises:
        DetectorError: not a checkpoint, not CPN's, or MMPose is not installed; or the file cannot be written.
    """
    import torch

    from detectors import mm_build
    from detectors.cpn.detector import CPN

    try:
        state = renamed(checkpoint.load(source))
    except DetectorError as error:
        raise DetectorError(str(error) if str(source) in str(error) else f"{source}: {error}") from error
    mm_compat.prepare()
    with mm_compat.quiet(), mm_build.scope("mmpose"):
        network = mm_build.build(mm_build.read_config(CPN.config))
    checkpoint.fill(network, state, source, "CPN-50 for 17 joints")
    part = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        torch.save({"state_dict": network.state_dict()}, part)
        part.replace(target)
    except (OSError, RuntimeError) as error:  # torch's own for a folder that is not there
        part.unlink(missing_ok=True)
        problem = str(error).splitlines()[0]
        raise DetectorError(f"cannot write {target}: {problem}; choose another place") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert one file; return the exit code: 0 done, 1 a failure told in one line."""
    parser = argparse.ArgumentParser(
        prog="python -m detectors.cpn.convert",
        description="Weights of the public PyTorch CPN to those of the cpn detector.",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="the public version's checkpoint (.pth.tar)")
    parser.add_argument("target", type=Path, metavar="OUT", help="for --checkpoint")
    given = parser.parse_args(arguments)
    try:
        convert(given.source, given.target)
    except DetectorError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
