"""The passes of quick training, of random shapes, against plain torch in double precision, in memory with fences.

    python tests/fuzz/passes.py --rounds 5000 --fence end      # needs a C compiler and Linux
    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 python tests/fuzz/passes.py --fence start

Behind `fence` (fence.c) a process that reads or writes outside of a tensor dies at once, at either of its ends. So it
was found that oneDNN 3.12 does, in the gradient of a strided 1x1 convolution's weight: `--strided` shows it.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from lifter.training.passes import Convolution, Ended, Graph, Joined, Norm, applied  # noqa: E402
from lifter.training.quick import LANES  # noqa: E402

JOINTS, SUBSETS = 17, 3
TOLERANCE = {torch.float32: 2e-5, torch.bfloat16: 2e-2}  # of the largest number, per result
Pass = Callable[..., Tensor]


def check(seed: int) -> str:
    """Do every pass once, forwards and backwards, with shapes and numbers of the seed; return what was done.

    Raises:
        AssertionError: a result that is not plain torch's.
    """
    drawn = random.Random(seed)
    torch.manual_seed(seed)
    dtype = drawn.choice((torch.float32, torch.bfloat16))
    batch, frames = drawn.randint(1, 6), drawn.choice((1, 2, 3, 5, 6, 12, 24, drawn.randint(1, 100)))
    wide = (1, 1, 1, 2, 2, 3, 4, 8) if frames > 24 else (1, 1, 2, 3, 4, 5, 8, 16)
    c_in, c_out = (LANES * drawn.choice(wide) for _ in range(2))
    stride = drawn.randint(1, 2) if frames > 1 else 1  # see `quick.suits`
    fed = drawn.choice((2, c_in))  # the first block is fed two channels
    told = f"seed {seed}: {dtype}, batch {batch}, frames {frames}, channels {fed} or {c_in} to {c_out}, stride {stride}"

    def made(*shape: int) -> Tensor:
        return torch.randn(shape).to(dtype)

    x = made(batch, JOINTS, frames, c_in)
    links, weight = made(SUBSETS * JOINTS, JOINTS), _last(made(c_out, fed, SUBSETS, 1))
    compare(_graph, plain_graph, told, made(batch, JOINTS, frames, fed), links, weight, made(JOINTS, c_out))
    along = _last(made(c_out, c_in, 1, 5))
    compare(_along(stride, 2), plain_along(stride, 2), told, x, along, made(c_out))
    compare(_along(1, 0), plain_along(1, 0), told, x, _last(made(c_out, c_in, 1, 1)), made(c_out))
    affine = torch.randn(2, c_in)
    rectified = drawn.random() < 0.5
    # Rounding may bring a number to the other side of the ReLU's zero: which ones pass is ours to say.
    passed = (_norm(True)(x, *affine) > 0) if rectified else torch.ones(x.shape)
    compare(_norm(rectified), plain_norm(passed.double()), told, x, *affine)
    kept = (torch.rand(x.shape) < 0.5).to(dtype) * 2
    compare(_ended(kept), lambda y, other: torch.relu(y * kept + other), told, x, made(*x.shape))
    factor = 2 ** drawn.randint(0, 4)
    coarse = made(batch, JOINTS, -(-frames // factor), c_in)
    compare(_joined, plain_joined(factor), told, x, coarse)
    return told


def compare(ours: Pass, plain: Pass, told: str, *given: Tensor) -> None:
    """Hold a pass and its gradients against a plain statement in double precision."""
    mine = [one.detach().clone().requires_grad_() for one in given]
    true = [one.detach().double().requires_grad_() for one in given]
    made, wanted = ours(*mine), plain(*true)
    pull = torch.randn(made.shape).to(made.dtype)
    made.backward(pull)
    wanted.backward(pull.double())
    pairs: list[tuple[Any, Any]] = [(made, wanted), *((a.grad, b.grad) for a, b in zip(mine, true, strict=True))]
    for i, (a, b) in enumerate((a.detach().double(), b.detach()) for a, b in pairs):
        # Where the sum of large numbers is small, the error is of their size.
        scale = max(float(b.abs().max()), float(pull.abs().max()))
        error = float((a - b).abs().max()) / scale
        assert error < TOLERANCE[given[0].dtype], f"{told}: {ours.__name__}, result {i} is off by {error:.1e}"


def plain_graph(x: Tensor, links: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Equation 8, by einsum."""
    mixed = torch.einsum("kwv,nvtc->nkwtc", links.view(SUBSETS, JOINTS, JOINTS), x)
    return torch.einsum("nkwtc,ock->nwto", mixed, weight[..., 0]) + bias[:, None]


def plain_along(stride: int, padding: int) -> Pass:
    """A convolution along the frames, as torch has it."""

    def along(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return conv2d(x.permute(0, 3, 1, 2), weight, bias, (1, stride), (0, padding)).permute(0, 2, 3, 1)

    return along


def plain_norm(passed: Tensor) -> Pass:
    """Batch norm over all but channels, times what the ReLU lets pass."""

    def norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        mean, variance = x.mean(dim=(0, 1, 2)), x.var(dim=(0, 1, 2), unbiased=False)
        return ((x - mean) / torch.sqrt(variance + 1e-5) * weight + bias) * passed

    return norm


def plain_joined(factor: int) -> Pass:
    """Every coarse frame repeated."""
    return lambda fine, coarse: fine + coarse.repeat_interleave(factor, dim=2)[:, :, : fine.shape[2]]


def _graph(*given: Tensor) -> Tensor:
    return applied(Graph, *given)


def _along(stride: int, padding: int) -> Pass:
    def along(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return applied(Convolution, x, weight, bias, stride, padding)

    return along


def _norm(rectified: bool) -> Pass:
    def norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return applied(Norm, x, weight, bias, nn.BatchNorm2d(len(weight)), rectified)

    return norm


def _ended(kept: Tensor) -> Pass:
    def ended(y: Tensor, other: Tensor) -> Tensor:
        return applied(Ended, y, other, kept)

    return ended


def _joined(fine: Tensor, coarse: Tensor) -> Tensor:
    return applied(Joined, fine, coarse)


def _last(weight: Tensor) -> Tensor:
    return weight.contiguous(memory_format=torch.channels_last)


def strided() -> None:
    """What the passes avoid, by nothing but torch's own: it dies behind a fence, and corrupts memory without one."""
    x = torch.randn(4, 17, 96, 4).permute(0, 3, 1, 2)
    weight = torch.randn(4, 4, 1, 1, requires_grad=True)
    conv2d(x, weight, None, (1, 2)).sum().backward()


def overrun() -> None:
    """Write the byte before a tensor and the one behind it: what a fence has to see."""
    made = torch.zeros(16)
    ctypes.memset(made.data_ptr() + 4 * made.numel(), 0, 1)
    ctypes.memset(made.data_ptr() - 1, 0, 1)


def fenced(side: str, words: list[str]) -> int:
    """Do a command line of this file behind a fence; return its exit status, below 0 where it died."""
    with tempfile.TemporaryDirectory() as folder:
        library = str(Path(folder) / "fence.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, str(HERE / "fence.c"), "-ldl"], check=True)
        env = {**os.environ, "LD_PRELOAD": library, "FENCE_SIDE": str(int(side == "start")), "OMP_NUM_THREADS": "1"}
        return subprocess.run([sys.executable, str(HERE / "passes.py"), *words], env=env, check=False).returncode


def main() -> None:
    """Go through seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="shapes (default: 100)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first (default: 0)")
    parser.add_argument("--fence", choices=("start", "end"), help="which end of a tensor a forbidden page lies at")
    parser.add_argument(
        "--strided", action="store_true", help="the convolution that leaves its memory, in place of ours"
    )
    parser.add_argument("--overrun", action="store_true", help="leave a tensor's memory, to see that the fence works")
    given = parser.parse_args()
    if given.fence:
        kind = ["--strided"] * given.strided + ["--overrun"] * given.overrun
        sys.exit(min(abs(fenced(given.fence, [*kind, "--rounds", str(given.rounds), "--first", str(given.first)])), 1))
    torch.set_num_threads(1)
    if given.strided or given.overrun:
        sys.exit(strided() if given.strided else overrun())
    for seed in range(given.first, given.first + given.rounds):
        told = check(seed)
        if seed % 100 == 99:
            print(told, flush=True)
    print("nothing left its memory" if os.environ.get("FENCE_SIDE") else "all as plain torch")


if __name__ == "__main__":
    main()
