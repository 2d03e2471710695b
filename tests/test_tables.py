"""Tables and comparisons: the right trials in the right cells, none done twice, ours beside the paper's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from walkers import detected, walkers

from lifter import evaluate as evaluation
from lifter.__main__ import main
from lifter.datasets.poseset import read_poseset, write_keypoints, write_poses
from lifter.errors import LifterError
from lifter.evaluate import evaluate
from lifter.experiments import comparison, paper_tables, table_report
from lifter.experiments import trial as one_trial
from lifter.experiments.comparison import Spread
from lifter.experiments.paper_tables import Available, build
from lifter.experiments.trial import Protocol, Trial
from lifter.lifter import Lifter
from lifter.refine import LABEL
from lifter.refine_file import load_refine

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "configs" / "mocap_tables.py"
H36M = Available(("cpn", "hrnet"), ("Eating", "Sitting", "SittingDown", "Walking"))
TINY = [
    "--config", str(CONFIG), "--epochs", "1", "--seeds", "2", "--step", "96", "--device", "cpu", "--cfg-options",
    "model.network.widths=2,2,2,2,2", "train_dataloader.batch_size=2", "train_dataloader.sampler.draws=4",
]  # fmt: skip


def options(table: int, row: str, column: str = "MPJPE") -> dict[str, Any]:
    (cell,) = [cell for cell in build(table, H36M).cells if (cell.row, cell.column) == (row, column)]
    return dict(cell.trial.options)


def distinct(table: int) -> int:
    return len({(cell.trial.options, cell.trial.keypoints) for cell in build(table, H36M).cells})


@pytest.mark.parametrize(("table", "runs"), [(1, 25), (2, 4), (3, 8), (4, 5), (5, 5), (6, 2), (7, 1), (8, 3), (9, 2)])
def test_every_table_has_the_papers_runs(table: int, runs: int) -> None:
    assert distinct(table) == runs


def test_the_axes_of_the_tables() -> None:
    assert options(1, "inner", "36") == {"model.loss.operators": ("inner",), "model.loss.intervals": (36,)}
    assert options(1, "cross", "none")["model.loss.operators"] == ()
    assert options(3, "motion loss {12}", "2")["model.network.pairs"] == 2
    assert options(4, "UGCN without spatial graph")["model.network.spatial_graph"] is False
    assert options(5, "derivative loss")["model.loss.derivative"] == "subtraction"
    with pytest.raises(LifterError, match="Tables 1 to 9"):
        build(10, H36M)
    with pytest.raises(LifterError, match="no detected 2D"):
        build(8, Available())


def test_the_refined_row_stands_below_the_row_of_its_lifter() -> None:
    rows = dict.fromkeys(cell.row for cell in build(6, H36M).cells)
    assert list(rows)[:3] == ["UGCN, cpn", "UGCN, cpn: P-MPJPE", f"UGCN, cpn + refine ({LABEL})"]
    plain, refined = ([cell for cell in build(6, H36M).cells if cell.row == list(rows)[i]] for i in (0, 2))
    assert [(cell.column, cell.paper) for cell in refined][:2] == [("Eating", 42.6), ("Sitting", 56.2)]
    assert refined[-2].paper == 44.5 and plain[-2].paper == 45.6
    assert refined[0].trial == replace(plain[0].trial, label="UGCN, cpn + refine", refine=True)
    blind = build(6, replace(H36M, cameras=False))
    assert not any(cell.trial.refine for cell in blind.cells) and "row is left out" in blind.words


def test_tables_share_what_they_have_in_common() -> None:
    """{12} of Table 2, of Table 3 with all pairs, of Table 1 and of Table 5 is one training."""
    cells = [cell for number in (1, 2, 3, 5) for cell in build(number, H36M).cells]
    same = [cell for cell in cells if cell.paper == 27.1 and "subtraction" not in cell.row]
    assert len(same) == 4
    assert len({one_trial.fingerprint(cell.trial, fake_protocol()) for cell in same}) == 1


def fake_protocol() -> Protocol:
    return Protocol(CONFIG, ROOT / "no-data")


@pytest.fixture(autouse=True)
def _digest_of_nothing(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "data" not in request.fixturenames:
        monkeypatch.setattr(one_trial, "_digest", lambda path: path.name)


def test_a_trial_is_named_by_what_decides_its_result() -> None:
    one = Trial("a", (("model.loss.weight", 0.3),))
    name = one_trial.fingerprint(one, fake_protocol())
    assert one_trial.fingerprint(replace(one, label="b"), fake_protocol()) == name
    assert one_trial.fingerprint(one, replace(fake_protocol(), data=Path("elsewhere"))) == name
    assert one_trial.fingerprint(replace(one, refine=True), fake_protocol()) == name  # the lifter is the same
    for other in (replace(one, seed=1), replace(one, keypoints="cpn"), replace(one, options=())):
        assert one_trial.fingerprint(other, fake_protocol()) != name
    other = {"options": {"model.loss.weight": 1.0, "model.loss.position": "norm"}}
    for protocol, differs in (({"epochs": 3}, True), (other, True), ({"options": {"model.loss.weight": 1.0}}, False)):
        changed = one_trial.fingerprint(one, replace(fake_protocol(), **protocol))  # type: ignore[arg-type]
        assert (changed != name) == differs  # the trial's own options win
    for scoring in ({"every": 2}, {"step": 6}, {"split": "validation"}):
        scored = replace(fake_protocol(), **scoring)  # type: ignore[arg-type]
        assert one_trial.fingerprint(one, scored) == name
        assert one_trial.result_file(Path("x"), scored) != one_trial.result_file(Path("x"), fake_protocol())


def test_another_network_takes_none_of_the_configs_fields() -> None:
    tcn = one_trial.resolved(Trial("t", comparison.ROWS["TCN, 27 frames"]), fake_protocol())
    assert dict(tcn.model.network) == {"type": "tcn", "dropout": 0.0, "channels": 512, "filters": (3, 3, 3)}
    assert tcn.optim_wrapper.optimizer.lr == 3e-3
    assert "val_dataloader" not in tcn


def test_spread_is_mean_and_standard_deviation() -> None:
    assert str(Spread((1.0, 2.0, 3.0))) == "2.0 ± 1.0"
    assert str(Spread((2.0,))) == "2.0"


def result(value: float) -> dict[str, Any]:
    scores = dict.fromkeys(("MPJPE", "P-MPJPE", "MPJVE", "acceleration"), value)
    by = {"MPJPE": {"Eating": value + 1}, "P-MPJPE": {"Eating": value}, "MPJVE": {"Eating": value}}
    return {
        "scores": scores, "action_mean": scores, "by_action": by, "parameters": 1_000_000, "training_cpu_seconds": 60,
    }  # fmt: skip


def test_report_puts_ours_beside_the_papers() -> None:
    table = build(7, Available((), ("Eating", "Sitting")))
    trial = table.cells[0].trial
    made = {trial: result(30.0), replace(trial, seed=1): result(32.0)}
    text = table_report.as_markdown(table, made)
    assert "| UGCN | 32.0 ± 1.4 (22.8) | - (31.1) | 31.0 ± 1.4 (25.6) | 31.0 ± 1.4 |" in text
    whole = table_report.as_dict(table, made)
    assert whole["cells"][0]["values"] == [31.0, 33.0] and whole["cells"][0]["paper"] == 22.8


def test_report_takes_the_refined_numbers_for_the_refined_row() -> None:
    table = build(6, Available(("cpn",), ("Eating",)))
    trial, refined = (next(cell.trial for cell in table.cells if cell.trial.refine == want) for want in (False, True))
    made = {**result(30.0), "refined": result(20.0)}
    text = table_report.as_markdown(table, {trial: made, refined: made})
    assert "| UGCN, cpn | 31.0 (44.0) | 30.0 (45.6) | 30.0 |" in text
    assert f"| UGCN, cpn + refine ({LABEL}) | 21.0 (42.6) | 20.0 (44.5) | 20.0 |" in text


def test_comparison_tells_what_was_gained() -> None:
    first, second = comparison.trials(["UGCN + motion loss", "TCN, 243 frames"])
    text = comparison.as_markdown({first: result(9.0), second: result(10.0)}, result(20.0)["scores"])
    assert "against TCN, 243 frames: MPJPE -10 %, P-MPJPE -10 %, MPJVE -10 %" in text
    assert "| mean pose, a constant | | 20.0" in text


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    made = walkers(4, 110)
    made = replace(made, poses=replace(made.poses, splits=np.array(["train"] * 3 + ["test"])))
    write_poses(folder, made.poses)
    write_keypoints(folder, made)
    return folder


def test_comparison_runs_once_and_reports_again(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "--data", str(data), "--out", str(tmp_path), "--rows", "UGCN", "fully", *TINY]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert "6 trials, 0 done, 6 to do" in first
    assert main(words) == 0
    again = capsys.readouterr().out
    assert "6 trials, 6 done, 0 to do" in again
    assert first.split("# Lifters")[1] == again.split("# Lifters")[1]
    assert not list(tmp_path.rglob("last.pt")) and len(list(tmp_path.rglob("lifter.safetensors"))) == 6
    assert "UGCN + motion loss against fully connected" in (tmp_path / "compare.md").read_text()
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("lifter.safetensors")}
    assert main([word if word != "96" else "48" for word in words]) == 0
    assert "6 trials, 0 done, 6 to do" in capsys.readouterr().out  # scored in another way, not trained again
    assert made == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("lifter.safetensors")}


def test_a_field_is_varied_and_scored_on_the_validation_split(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row's own value is replaced; the value that it had is the trial that it was."""
    rate = "optim_wrapper.optimizer.lr"
    words = ["compare", "--data", str(data), "--out", str(tmp_path), "--rows", "fully"]
    assert main([*words, *TINY]) == 0
    assert main([*words, "--vary", rate, "0.001", "0.003", *TINY]) == 0
    assert "4 trials, 2 done, 2 to do" in capsys.readouterr().out
    text = (tmp_path / f"vary_{rate}.md").read_text()
    assert "| fully connected, lr 0.001 |" in text and "| fully connected, lr 0.003 |" in text
    assert main([*words, "--split", "validation", *TINY]) == 1
    assert "no 'validation' split (it has test, train)" in capsys.readouterr().err
    assert main([*words, "--vary", rate, *TINY]) == 1
    assert "values wanted" in capsys.readouterr().err


def test_table_runs_in_two_processes_as_in_one(data: Path, tmp_path: Path) -> None:
    for jobs in ("1", "2"):
        assert main(["tables", "5", "--data", str(data), "--out", str(tmp_path / jobs), "--jobs", jobs, *TINY]) == 0
    one, two = (json.loads((tmp_path / jobs / "table5.json").read_text()) for jobs in ("1", "2"))
    assert [len(cell["values"]) for cell in one["cells"]] == [2] * 5
    for left, right in zip(one["cells"], two["cells"], strict=True):
        np.testing.assert_allclose(left["values"], right["values"], rtol=1e-6)


def test_table_6_trains_and_scores_the_refine_module(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_keypoints(data, detected(read_poseset(data)))
    words = ["tables", "6", "--data", str(data), "--detections", "cpn", "--out", str(tmp_path), "--jobs", "2", *TINY]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "2 trials, 0 done, 2 to do" in said  # two seeds: with the module and without is one
    numbers = [line for line in said.splitlines() if "refine" in line and any(sign.isdigit() for sign in line)]
    assert len(numbers) >= 3 and all(LABEL in line for line in numbers)  # two trials, the row
    places = sorted((tmp_path / "trials").iterdir())
    assert len(places) == 2
    for place in places:
        module = load_refine(place / "refine_step96.safetensors")[0]
        lifter = Lifter(place / "lifter.safetensors", "cpu", step=96)
        wanted = evaluate(lifter, read_poseset(data, "cpn"), refine=module).frame_mean("MPJPE")
        kept = json.loads((place / "result_test_every1_step96.json").read_text())
        assert kept["refined"]["scores"]["MPJPE"] == pytest.approx(wanted, rel=1e-6) != kept["scores"]["MPJPE"]
        assert kept["refined"]["label"] == LABEL
    cells = json.loads((tmp_path / "table6.json").read_text())["cells"]
    assert [len(cell["values"]) for cell in cells] == [2] * len(cells)


def test_a_stopped_refined_trial_does_nothing_twice(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_keypoints(data, detected(read_poseset(data)))
    words = ["--data", str(data), "--detections", "cpn", "--out", str(tmp_path), *TINY]
    words[words.index("--seeds") + 1] = "1"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "_refined", stop)  # the module is trained, not yet scored with
        assert main(["tables", "6", *words]) == 130
    assert main(["tables", "6", "--report", *words]) == 0
    assert f"| UGCN, cpn + refine ({LABEL}) | - (" in capsys.readouterr().out
    (place,) = (tmp_path / "trials").iterdir()
    made = {name: (place / name).stat().st_mtime_ns for name in ("lifter.safetensors", "refine_step96.safetensors")}
    lifted = json.loads((place / "result_test_every1_step96.json").read_text())
    assert main(["tables", "6", *words]) == 0
    assert "1 trials, 0 done, 1 to do" in capsys.readouterr().out
    assert made == {name: (place / name).stat().st_mtime_ns for name in made}
    whole = json.loads((place / "result_test_every1_step96.json").read_text())
    assert whole.pop("refined")["label"] == LABEL and whole == lifted
    assert main(["tables", "6", *words]) == 0
    assert "1 trials, 1 done, 0 to do" in capsys.readouterr().out


def test_a_lifter_for_every_mixture(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Appendix A: the 2D error is alpha times the detector's, and every mixture has trainings of its own."""
    write_keypoints(data, detected(read_poseset(data)))
    assert main(["mixtures", "--data", str(data), "--out", str(tmp_path), "--detections", "cpn", *TINY]) == 0
    assert "12 trials" in capsys.readouterr().out  # six mixtures, two seeds
    made = json.loads((tmp_path / "mixtures.json").read_text())["points"]
    assert [point["level"] for point in made] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    errors = np.array([point["error_px"] for point in made])
    np.testing.assert_allclose(errors, errors[-1] * np.array([0, 0.2, 0.4, 0.6, 0.8, 1]), rtol=1e-4, atol=1e-4)
    assert len(list((tmp_path / "trials").iterdir())) == 12
    assert (tmp_path / "mixtures.png").stat().st_size > 1000


def test_wrong_words_are_one_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["--out", str(tmp_path), *TINY]
    for words, said in (
        (["tables", "5", "--data", str(tmp_path), *base], "not a prepared data set"),
        (["tables", "11", "--data", str(data), *base], "Tables 1 to 9"),
        (["tables", "8", "--data", str(data), "--detections", "none", *base], "keypoints_none.npz"),
        (["tables", "5", "--data", str(data), "--report", *base], "no trial"),
        (["compare", "--data", str(data), "--rows", "xyz", *base], "--rows"),
        (["compare", "--data", str(data), *base, "model.loss.nonsense=1"], "nonsense"),
    ):
        assert main(words) == 1, words
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1 and said in error, (words, error)


def test_papers_numbers_are_those_of_the_tables() -> None:
    """The printed averages are near the means of the printed actions, as far as they are legible."""
    for row in (paper_tables._paper("table7"), *paper_tables._paper("table6").values()):
        assert np.mean(list(row["per_action"].values())) == pytest.approx(row["average"], abs=0.5)
        assert len(row["per_action"]) == 15
