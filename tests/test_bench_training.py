"""The benchmark of training: a reference loop that computes the same, and a table that says the ratio."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from bench_training import OurTraining, schedule
from moving_sets import moving_set, write_set
from plain_training import PlainTraining, loss_pair_by_pair, plain_loss

from lifter.losses import LossSettings, total_loss


def test_the_plain_losses_are_ours() -> None:
    torch.manual_seed(0)
    predicted, truth = torch.randn(2, 96, 17, 3), torch.randn(2, 96, 17, 3)
    wanted, _ = total_loss(predicted, truth, LossSettings())
    torch.testing.assert_close(plain_loss(predicted, truth), wanted)
    torch.testing.assert_close(loss_pair_by_pair(predicted, truth), wanted)


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
def test_the_loops_train_the_same_network_to_the_same_numbers(tmp_path: Path, half: bool) -> None:
    """Without chance, from the same weights and windows: our step is near to double precision, as the plain loop is."""
    write_set(tmp_path, moving_set({"train": [140]}))
    torch.manual_seed(0)
    plain, ours = PlainTraining(tmp_path, 4, "cpu", 0.0), OurTraining(tmp_path, 4, "cpu", 0.0, half)
    exact = copy.deepcopy(plain.network).double()
    ours.model.network.load_state_dict(plain.network.state_dict())
    keypoints, truth = plain.data()
    losses = [plain_loss(exact(keypoints.double()), truth.double())]
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        predicted = plain.network(keypoints)
    losses.append(plain_loss(predicted, truth))
    losses.append(ours.model(keypoints, truth, mode="loss")["loss"])
    for loss in losses:
        loss.backward()
    errors = [[abs(float(loss / losses[0]) - 1) for loss in losses[1:]]]
    nets = (plain.network, ours.model.network)
    for told in (_statistics, _gradients):
        wanted = told(exact)
        errors.append([float((told(net) - wanted).norm() / wanted.norm()) for net in nets])
    # A ReLU that falls to the other side of zero by rounding is a step of a gradient, not a rounding of it.
    for (at_plain, at_ours), bound in zip(errors, (1e-5, 1e-4, 0.03), strict=True):
        assert at_ours < (2 * at_plain + 0.01 if half else bound)


def _statistics(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([one.double().flatten() for name, one in network.state_dict().items() if "running" in name])


def _gradients(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([one.grad.double().flatten() for one in network.parameters() if one.grad is not None])


def test_the_schedule_is_the_papers() -> None:
    assert schedule(1e-3) == "the paper's 129,000 steps of 256: 9.2 hours"


@pytest.mark.slow
def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    from bench_training import main

    threads = torch.get_num_threads()
    main(["--batch", "2", "--rounds", "1"])
    torch.set_num_threads(threads)
    shown = capsys.readouterr().out.splitlines()
    assert shown[2].startswith("whole step") and "float32" in shown[-5] and "bfloat16" in shown[-4]
    assert all("x plain torch (bar on the CPU 2)" in line for line in shown[-5:-3])
    assert shown[-1].startswith("ours, bfloat16: ") and shown[-1].endswith("hours")
