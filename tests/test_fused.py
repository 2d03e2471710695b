"""The fused UGCN is the trained UGCN: every switch, any length, statistics and edges unlike those at the start."""

from __future__ import annotations

import pytest
import torch

from lifter import weights
from lifter.fused import FusedUGCN, Mixing
from lifter.graph import partition
from lifter.joints import PARENTS
from lifter.ugcn import STGCN, UGCN, UGCNSettings


def trained(**changes: object) -> UGCN:
    """A network as after training: nothing in it is still 0 or 1."""
    torch.manual_seed(0)
    network = UGCN(UGCNSettings(widths=(4, 4, 8, 8, 16), **changes)).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "edge_importance" in name or parameter.dim() == 1:
                parameter.uniform_(0.5, 1.5)
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    return network


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"residual": False},
        {"edge_importance": False},
        {"spatial_graph": False},
        {"merging": False},
        {"pairs": 0},
        {"pairs": 2},
        {"out_scale": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("frames", [1, 2, 5, 33, 77, 96])
def test_same_numbers_as_the_network(changes: dict, frames: int) -> None:
    network = trained(**changes)
    keypoints = torch.randn(2, frames, 17, 2)
    with torch.inference_mode():
        wanted = network(keypoints)
    torch.testing.assert_close(FusedUGCN(network)(keypoints), wanted, atol=2e-5, rtol=1e-5)


def test_same_numbers_as_the_shipped_lifter() -> None:
    network, _ = weights.load(weights.find("ugcn"))
    keypoints = torch.randn(3, 96, 17, 2)
    with torch.inference_mode():
        wanted = network(keypoints)
    assert (FusedUGCN(network)(keypoints) - wanted).abs().max() < 5e-5  # metres


def test_idle_channels_are_left_out_and_loud_ones_are_not() -> None:
    torch.manual_seed(0)
    network = UGCN(UGCNSettings(widths=(16, 48, 64, 64, 64))).eval()
    for name, block in network.named_modules():
        if isinstance(block, STGCN):
            norm = block.temporal[0]
            assert isinstance(norm, torch.nn.BatchNorm2d)
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            if name in ("down.0.0", "down.3.1"):  # 48 and 64 channels, of which 10 and 20 speak
                loud = 10 if name == "down.0.0" else 20
                norm.weight.data[loud:], norm.bias.data[loud:] = 1e-9, 0
    fused, whole = FusedUGCN(network), FusedUGCN(network, idle=0)
    assert (len(fused.down[0][0].graph), len(fused.down[3][1].graph), len(fused.up[0].graph)) == (16, 32, 64)
    assert (len(whole.down[0][0].graph), len(whole.down[3][1].graph)) == (48, 64)
    keypoints = torch.randn(2, 96, 17, 2)
    with torch.inference_mode():
        wanted = network(keypoints)
    torch.testing.assert_close(fused(keypoints), wanted, atol=2e-5, rtol=1e-5)


def test_a_silent_layer_of_a_block_does_no_harm() -> None:
    network = trained()
    torch.nn.init.zeros_(network.regressor.temporal[2].weight)  # type: ignore[index]
    keypoints = torch.randn(1, 32, 17, 2)
    with torch.inference_mode():
        wanted = network(keypoints)
    torch.testing.assert_close(FusedUGCN(network)(keypoints), wanted, atol=2e-5, rtol=1e-5)


def test_the_network_is_left_as_it_was() -> None:
    network = trained()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fused = FusedUGCN(network)
    keypoints = torch.randn(1, 48, 17, 2)
    first, kept = fused(keypoints), keypoints.clone()
    torch.testing.assert_close(fused(keypoints), first, atol=0, rtol=0)
    assert torch.equal(keypoints, kept)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_mixing_is_its_sum_also_of_other_graphs() -> None:
    torch.manual_seed(0)
    for adjacency in (torch.from_numpy(partition(PARENTS)), torch.rand(2, 5, 5) * (torch.rand(2, 5, 5) > 0.5)):
        x = torch.randn(2, adjacency.shape[1], 3, 4)
        torch.testing.assert_close(Mixing(adjacency)(x), torch.einsum("nvtc,kvw->nkwtc", x, adjacency))
