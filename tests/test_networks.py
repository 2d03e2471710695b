"""The networks by name, and the two baselines against their papers' numbers and plain statements of their parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lifter import joints
from lifter.errors import LifterError
from lifter.networks import NETWORKS, Network, build, set_batch_norm_momentum

SMALL = {
    "ugcn": {"widths": [4, 4, 8, 8, 8]},
    "fully_connected": {"width": 16},
    "tcn": {"filters": [3, 5], "channels": 16},
}


def small(type: str, **changes: object) -> Network:
    """Build a small network with statistics unlike 0 and 1, as after training, ready to run."""
    torch.manual_seed(0)
    network = build(type, {**SMALL[type], **changes}).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return network


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_every_network_is_known_by_its_own_name() -> None:
    assert set(SMALL) == set(NETWORKS)
    for name in NETWORKS:
        network = build(name, SMALL[name])
        assert name == network.TYPE
        assert isinstance(network.settings, network.SETTINGS)
        assert network.training


@pytest.mark.parametrize("type", NETWORKS)
@pytest.mark.parametrize("frames", [1, 2, 31])
def test_context_is_used_up_and_the_root_is_the_origin(type: str, frames: int) -> None:
    network = small(type)
    lifted = network(torch.randn(2, frames + 2 * network.context, 17, 2))
    assert lifted.shape == (2, frames, 17, 3)
    assert lifted.dtype == torch.float32
    assert lifted[:, :, joints.ROOT].abs().max() == 0
    assert lifted.abs().max() > 0


@pytest.mark.parametrize("type", NETWORKS)
def test_every_parameter_learns(type: str) -> None:
    network = build(type, {**SMALL[type], "dropout": 0.0})
    network(torch.randn(3, 40 + 2 * network.context, 17, 2)).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("type", NETWORKS)
def test_output_is_measured_in_out_scale(type: str) -> None:
    keypoints = torch.randn(1, 60, 17, 2)
    torch.testing.assert_close(3 * small(type, out_scale=0.5)(keypoints), small(type, out_scale=1.5)(keypoints))


@pytest.mark.parametrize(
    ("type", "settings", "message"),
    [
        ("ugnc", {}, "did you mean 'ugcn'"),
        ("transformer", {}, "fully_connected, tcn, ugcn"),
        ("tcn", {"chanels": 3}, "did you mean 'channels'"),
        ("tcn", {"filters": [3, "3"]}, "tcn.filters: int wanted, got '3'"),
        ("tcn", {"filters": 3}, "tuple wanted, got 3"),
        ("tcn", {"filters": [3, 4]}, "odd lengths wanted"),
        ("tcn", {"filters": [99] * 9}, "10,000"),
        ("tcn", {"dropout": float("nan")}, "float wanted, got nan"),
        ("ugcn", {"residual": 1}, "bool wanted, got 1"),
        ("ugcn", {"pairs": 5}, "pairs: 0 to 4"),
        ("ugcn", {"pairs": True}, "int wanted, got True"),
        ("ugcn", {"out_scale": 0}, "out_scale"),
        ("fully_connected", {"width": 0}, "width"),
        ("fully_connected", {"dropout": 1}, "dropout"),
        ("fully_connected", [], "a table of settings wanted"),
    ],
)
def test_wrong_settings_are_told_in_one_line(type: str, settings: dict, message: str) -> None:
    with pytest.raises(LifterError, match=message.replace(".", r"\.")) as caught:
        build(type, settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("filters", "millions"), [((3, 3, 3), 8.56), ((3, 3, 3, 3), 12.75), ((3, 3, 3, 3, 3), 16.95)])
def test_tcn_is_as_large_as_published(filters: tuple[int, ...], millions: float) -> None:
    with torch.device("meta"):
        network = build("tcn", {"filters": filters})
    assert parameters(network) / 1e6 == pytest.approx(millions, abs=0.005)
    assert 2 * network.context + 1 == 3 ** len(filters)


def test_fully_connected_is_as_large_as_published() -> None:
    """Martinez et al. have 16 joints in and out, 4.29 million; the 17th adds 2 inputs and 3 outputs of width 1024."""
    with torch.device("meta"):
        network = build("fully_connected")
    assert parameters(network) == 4_296_755
    assert (parameters(network) - 2 * 1024 - 3 * 1025) / 1e6 == pytest.approx(4.29, abs=0.005)


@pytest.mark.parametrize("filters", [[3], [3, 3], [3, 5, 3], [1, 3]])
def test_tcn_sees_exactly_its_context(filters: list[int]) -> None:
    network = small("tcn", filters=filters).double()
    keypoints = torch.randn(1, 2 * network.context + 9, 17, 2, dtype=torch.float64, requires_grad=True)
    network(keypoints)[0, 4].square().sum().backward()
    seen = keypoints.grad.abs().sum(dim=(0, 2, 3)).nonzero().flatten()
    assert seen.tolist() == list(range(4, 4 + 2 * network.context + 1))


def test_tcn_equals_its_plain_statement() -> None:
    """Frame by frame, without convolutions: every answer from the frames it may see."""
    network = small("tcn", filters=[3, 3]).double()

    def layer(block: torch.nn.Sequential, frames: list[torch.Tensor]) -> torch.Tensor:
        convolution, norm = block[0], block[1]
        x = sum(convolution.weight[:, :, k] @ frame for k, frame in enumerate(frames))
        x = (x - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
        return x.clamp(min=0)

    keypoints = torch.randn(12, 34, dtype=torch.float64)
    hidden = [layer(network.first, list(keypoints[t - 1 : t + 2])) for t in range(1, 11)]  # of frames 1..10
    answers = []
    for t in range(3, 7):  # of frames 4..7
        mixed = layer(network.blocks[0][1], [layer(network.blocks[0][0], [hidden[t - 3], hidden[t], hidden[t + 3]])])
        x = network.head.weight[:, :, 0] @ (hidden[t] + mixed) + network.head.bias
        answers.append(x.view(17, 3) - x[:3])
    wanted = torch.stack(answers)
    torch.testing.assert_close(network(keypoints.view(1, 12, 17, 2))[0].double(), wanted, atol=1e-6, rtol=1e-5)


def test_tcn_refuses_less_than_its_context() -> None:
    network = small("tcn")
    with pytest.raises(ValueError, match="more than 14 frames"):
        network(torch.zeros(1, 14, 17, 2))


def test_fully_connected_knows_no_time() -> None:
    network = small("fully_connected")
    keypoints = torch.randn(2, 9, 17, 2)
    order = torch.from_numpy(np.random.default_rng(0).permutation(9))
    torch.testing.assert_close(network(keypoints[:, order]), network(keypoints)[:, order])


def test_fully_connected_equals_its_plain_statement() -> None:
    network = small("fully_connected", blocks=1).double()

    def layer(block: torch.nn.Sequential, x: torch.Tensor) -> torch.Tensor:
        x = block[0].weight @ x + block[0].bias
        x = (x - block[1].running_mean) / (block[1].running_var + block[1].eps).sqrt() * block[1].weight + block[1].bias
        return x.clamp(min=0)

    keypoints = torch.randn(17, 2, dtype=torch.float64)
    x = layer(network.first, keypoints.flatten())
    x = x + layer(network.blocks[0][1], layer(network.blocks[0][0], x))
    x = 0.2 * (network.head.weight @ x + network.head.bias).view(17, 3)
    torch.testing.assert_close(network(keypoints[None, None])[0, 0].double(), x - x[0], atol=1e-6, rtol=1e-5)


def test_batch_norm_momentum_is_set_everywhere() -> None:
    network = build("tcn", SMALL["tcn"])
    set_batch_norm_momentum(network, 0.001)
    found = {m.momentum for m in network.modules() if isinstance(m, torch.nn.BatchNorm1d)}
    assert found == {0.001}
