"""The quick form of a training step: the same answers, gradients and running statistics as the network's own."""

from __future__ import annotations

import copy
import shutil
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))
import passes

from lifter.tcn import TCN
from lifter.training import quick
from lifter.training.model import LifterModel
from lifter.ugcn import UGCN, UGCNSettings


def small(**changes: object) -> UGCN:
    """A network in training whose parts all differ from what they are made as."""
    torch.manual_seed(0)
    network = UGCN(UGCNSettings(**{"widths": (4, 4, 8, 8, 12), "dropout": 0.0, **changes}))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network


def step(network: UGCN, keypoints: Tensor, fast: bool) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the answer, and the gradients and the state that a step leaves."""
    lifted = quick.lift(network, keypoints) if fast else network(keypoints)
    weights = torch.randn(lifted.shape, generator=torch.Generator().manual_seed(1))
    (lifted * weights).sum().backward()
    left = {name: value.grad for name, value in network.named_parameters() if value.grad is not None}
    return lifted.detach(), {**left, **dict(network.named_buffers())}


@pytest.mark.parametrize("frames", [32, 21, 1])
@pytest.mark.parametrize(
    "changes",
    [
        {}, {"residual": False}, {"merging": False}, {"edge_importance": False}, {"spatial_graph": False},
        {"pairs": 2}, {"pairs": 0},
    ],
    ids=str,
)  # fmt: skip
def test_a_step_is_that_of_the_network(changes: dict, frames: int) -> None:
    """In double precision, so that what is left is a difference of the function."""
    plain = small(**changes).double()
    fast = copy.deepcopy(plain)
    keypoints = torch.randn(3, frames, 17, 2, dtype=torch.float64)
    wanted, left = step(plain, keypoints, fast=False)
    lifted, again = step(fast, keypoints, fast=True)
    torch.testing.assert_close(lifted, wanted, rtol=1e-5, atol=1e-6)
    assert left.keys() == again.keys() and {"first.spatial.conv.weight", "data_bn.running_mean"} < left.keys()
    for name, value in left.items():
        torch.testing.assert_close(again[name], value, rtol=1e-6, atol=1e-6, msg=lambda text, name=name: name + text)


def test_in_bfloat16_it_is_as_near_as_the_network() -> None:
    network = small()
    keypoints = torch.randn(8, 48, 17, 2)
    exact = network(keypoints)
    with torch.autocast("cpu", torch.bfloat16):
        plain, fast = network(keypoints), quick.lift(network, keypoints)
    assert fast.dtype == torch.float32
    errors = [float((made - exact).square().mean().sqrt().detach()) for made in (fast, plain)]
    assert 0 < errors[0] < 1.3 * errors[1]


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_share_and_the_mean(p: float) -> None:
    torch.manual_seed(3)
    kept = quick._kept(torch.empty(50, 17, 48, 5), p)
    torch.manual_seed(3)
    assert torch.equal(kept, quick._kept(torch.empty(50, 17, 48, 5), p))
    assert not torch.equal(kept, quick._kept(torch.empty(50, 17, 48, 5), p))
    assert len(kept.unique()) == 2 and kept.min() == 0
    spread = (p * (1 - p) / kept.numel()) ** 0.5
    assert abs(float((kept == 0).float().mean()) - p) < 5 * spread + 1e-5
    assert float(kept.mean()) == pytest.approx(1, abs=5 * spread / (1 - p))
    # Neighbours, which come from one draw, are independent.
    flat = (kept == 0).float().flatten() - p
    for apart in (1, 2, 3, 4):
        assert abs(float((flat[apart:] * flat[:-apart]).mean())) < 5 * p * (1 - p) / len(flat) ** 0.5


def test_gradients_meet_the_same_dropout() -> None:
    block = small(dropout=0.4).double().down[1][1]  # type: ignore[index]
    x = torch.randn(2, 17, 6, 8, dtype=torch.float64, requires_grad=True)

    def seeded(x: Tensor) -> Tensor:
        torch.manual_seed(5)
        return quick._block(block, x)

    assert torch.autograd.gradcheck(seeded, (x,), atol=1e-5, fast_mode=True)


def test_other_batch_norms_are_asked_themselves() -> None:
    """Those of several processes are modules of their own."""

    class Another(nn.BatchNorm2d):
        pass

    plain = small().double()
    fast = copy.deepcopy(plain)
    fast.first.temporal[0] = Another(4).double()
    fast.first.temporal[0].load_state_dict(plain.first.temporal[0].state_dict())
    keypoints = torch.randn(2, 16, 17, 2, dtype=torch.float64)
    torch.testing.assert_close(quick.lift(fast, keypoints), plain(keypoints), rtol=1e-5, atol=1e-6)


def test_parts_that_do_not_train_stand_still() -> None:
    """A batch norm in evaluation mode goes by its running statistics, a dropout keeps everything."""
    plain = small(dropout=0.5).double()
    for block in plain.modules():
        if isinstance(block, nn.BatchNorm2d | nn.Dropout):
            block.eval()
    fast = copy.deepcopy(plain)
    keypoints = torch.randn(2, 16, 17, 2, dtype=torch.float64)
    torch.testing.assert_close(quick.lift(fast, keypoints), plain(keypoints), rtol=1e-5, atol=1e-6)


def test_it_stands_for_ugcn_in_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    keypoints, full = torch.randn(1, 16, 17, 2), (16, 16, 32, 16, 48)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert quick.suits(small(widths=full), keypoints)
    assert not quick.suits(small(widths=full).eval(), keypoints) and not quick.suits(TCN(), keypoints)
    assert not quick.suits(small(widths=full), keypoints.to("meta"))
    assert not quick.suits(small(widths=(16, 16, 24, 16, 16)), keypoints)
    asked = []
    monkeypatch.setattr(quick, "lift", lambda network, x: asked.append(len(x)) or torch.zeros(1, 16, 17, 3))
    model = LifterModel({"type": "ugcn", "widths": full})
    model(keypoints)
    model.eval()(keypoints)
    assert asked == [1]
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not quick.suits(small(widths=full), keypoints)


@pytest.mark.parametrize(("pairs", "fewest"), [(4, 9), (2, 3), (1, 2), (0, 1)])
def test_no_stride_is_fed_a_single_frame(pairs: int, fewest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    network = small(widths=(16,) * 5, pairs=pairs)
    suited = [frames for frames in range(1, 20) if quick.suits(network, torch.zeros(1, frames, 17, 2))]
    assert suited == list(range(fewest, 20))
    fed: list[int] = []
    for block in network.modules():
        if isinstance(block, nn.Conv2d) and block.stride[0] == 2:
            block.register_forward_hook(lambda _, given, __: fed.append(given[0].shape[2]))
    network(torch.zeros(2, fewest, 17, 2))
    assert min(fed, default=2) == 2


@pytest.mark.parametrize("seed", range(8))
def test_passes_of_any_shape_are_plain_torchs(seed: int) -> None:
    passes.check(seed)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("cc"), reason="needs Linux and a compiler")
@pytest.mark.parametrize("side", ["start", "end"])
def test_passes_stay_in_their_memory(side: str) -> None:
    """Behind a fence (tests/fuzz/fence.c), which itself sees a byte too many."""
    assert passes.fenced(side, ["--rounds", "5"]) == 0
    assert passes.fenced(side, ["--overrun"]) < 0
