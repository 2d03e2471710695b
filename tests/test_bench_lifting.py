"""The benchmark of lifting: a plain statement that is the network, measures that find what was put in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lifter import weights
from lifter.__main__ import main as laboratory
from lifter.lifter import Lifter

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from bench_lifting import NAMES, one_at_a_time, race, walker
from lifting_accuracy import accuracy_table, in_pieces, measured
from plain_ugcn import PlainUGCN

BENCHMARKS = Path(__file__).parent / "benchmarks"


def test_the_plain_statement_is_the_network() -> None:
    model, _ = weights.load(weights.find("ugcn"))
    keypoints = torch.randn(1, 77, 17, 2)
    with torch.inference_mode():
        plain = PlainUGCN(model.state_dict(), model.settings.out_scale)(keypoints)
        torch.testing.assert_close(plain, model(keypoints), atol=5e-5, rtol=1e-4)


def test_batched_windows_are_those_lifted_one_at_a_time() -> None:
    film = walker(115)  # a sequence that needs no padding
    np.testing.assert_allclose(Lifter("ugcn", "cpu").lift_uniform(film), one_at_a_time()(film), atol=1e-4)


def test_all_parts_together_are_the_sequence_mode() -> None:
    film = walker(400)
    lifter = Lifter("ugcn", "cpu", mode="sequence")
    again = in_pieces(lifter, along=True, chunk=192, smooth=True)(film)
    np.testing.assert_allclose(again, lifter.lift_uniform(film), atol=1e-6)


def test_measures_find_what_was_put_in() -> None:
    truth = np.zeros((200, 17, 3))
    made = truth.copy()
    made[:48] += [0.003, 0, 0.004]
    found = measured(made, made, truth)
    assert found["borders"].mean() == pytest.approx(2.5) and found["inside"].max() == 0  # one of two borders
    assert found["MPJPE"].mean() == pytest.approx(5 * 48 / 200) and len(found["short"]) == 0
    assert found["MPJVE"].max() == pytest.approx(5) and found["from windows"].max() == 0
    assert measured(truth[:50], truth[:50], truth[:50])["short"].shape == (50,)


def test_contenders_take_turns() -> None:
    order = []
    lifts = {name: lambda film, name=name: order.append((name, len(film))) for name in NAMES[:2]}
    spent = race(lifts, dict.fromkeys(lifts, 300), rounds=2)
    assert [name for name, frames in order if frames == 300] == [*NAMES[:2]] * 2
    assert {rows.shape for rows in spent.values()} == {(2, 2)}


def test_the_table_of_accuracy(tmp_path: Path) -> None:
    assert laboratory(["prepare", "tiny", "--kind", "mocap", "--frames", "150", "--out", str(tmp_path / "tiny")]) == 0
    words = ["prepare", "mocap", "--source", str(tmp_path / "tiny"), "--out", str(tmp_path / "set")]
    assert laboratory([*words, "--splits", "test"]) == 0
    lines = accuracy_table(tmp_path / "set", "gt", "test", 4, parts=False).splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["windows", "sequence"]
    assert float(lines[3].split()[-1]) == 0


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["nothing"], 2)])
def test_the_suite_runs_by_one_command(words: list[str], code: int) -> None:
    done = subprocess.run([sys.executable, str(BENCHMARKS), *words], capture_output=True, text=True)
    assert done.returncode == code and "lifting" in done.stdout + done.stderr


def test_every_benchmark_of_the_suite_is_there_and_told() -> None:
    told = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    for file in BENCHMARKS.glob("bench_*.py"):
        assert file.name in told, f"{file.name}: say in tests/benchmarks/README.md what it measures"
