"""Ctrl-C and SIGTERM at any moment of a whole process; many: `python tests/faults/stops.py`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "faults"))
import stops

LINE = "stopped; what was finished is kept, the same command goes on from there\n"
LINE_OF_THE_LABORATORY = "stopped; the same command goes on where it was\n"
STOPPED_WHILE_IMPORTING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.{name})

sys.meta_path.insert(0, Finder())
from {package} import main
sys.exit(main({words}))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    ("package", "words", "module", "line"),
    [
        ("pipeline.cli", ["run", "walk.mp4"], "detectors.base", LINE),
        (
            "lifter.__main__",
            ["evaluate", "--lifter", "ugcn", "--data", "nowhere"],
            "lifter.commands.evaluate",
            LINE_OF_THE_LABORATORY,
        ),
    ],
)
def test_it_listens_before_it_imports_what_takes_long(
    name: str, package: str, words: list[str], module: str, line: str
) -> None:
    code = STOPPED_WHILE_IMPORTING.format(name=name, package=package, words=words, module=module)
    done = subprocess.run([sys.executable, "-c", code], cwd=stops.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, line)


IMPORTS = """
import os, signal, sys
from pipeline.guard import guarded

def work():
    import slow
    import threading
    threading.Event().wait(20)

code = guarded(work)
print(hasattr(sys.modules.get("slow"), "whole"))
sys.exit(code)
"""


@pytest.mark.parametrize(("body", "said"), [("whole = True", "True\n"), ("while True: pass", "")])
def test_an_import_is_not_broken_off_but_does_not_last_for_ever(body: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(f"import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n{body}\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{stops.ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr, done.stdout) == (130, LINE, said)


AFTER_DETECTING = """
import gc, signal, sys
from pathlib import Path
sys.path.insert(0, "tests")
import toy_models
from detectors import onnx_runtime
from pipeline.guard import guarded

file = toy_models.heatmap_model(Path({file!r}))
boxes, pose = (onnx_runtime.load(file, "openvino") for _ in range(2))
del boxes
gc.collect()
del pose
gc.collect()
sys.exit(guarded(lambda: signal.raise_signal(signal.SIGINT)))
"""


def test_detectors_that_are_gone_leave_signals_alone(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    code = AFTER_DETECTING.format(file=str(tmp_path / "toy.onnx"))
    done = subprocess.run([sys.executable, "-c", code], cwd=stops.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, LINE)


FORGOTTEN = """
import signal, sys
from contextlib import suppress
from detectors.base import DetectorError
from pipeline.guard import guarded

def work():
    with suppress(KeyboardInterrupt):
        {signal}
    raise {kind}("initialization failed")

sys.exit(guarded(work))
"""


@pytest.mark.parametrize("kind", ["ImportError", "SystemError", "DetectorError"])
def test_what_others_make_of_a_signal_is_a_stop(kind: str) -> None:
    """Modules in C that are being imported forget it, and tell of an import that failed."""
    for asked in (True, False):
        code = FORGOTTEN.format(kind=kind, signal="signal.raise_signal(signal.SIGTERM)" if asked else "pass")
        done = subprocess.run([sys.executable, "-c", code], cwd=stops.ROOT, capture_output=True, text=True, check=False)
        if asked:
            assert (done.returncode, done.stderr) == (130, LINE)
        else:
            assert done.returncode == 1
            assert ("Traceback" in done.stderr) == (kind != "DetectorError")
            assert done.stderr.endswith("initialization failed\n")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (stops.End(130, LINE, 1.0, 1.5), ""), (stops.End(0, "", 1.0, 1.5), ""), (stops.End(-2, "", 1.0, 1.5), ""),
        (stops.End(-11, LINE, 1.0, 1.5), "code -11"), (stops.End(-15, "", 1.0, 1.5), "code -15"),
        (stops.End(130, f"Traceback\n{LINE}", 1.0, 1.5), "not one line"), (stops.End(130, "", 1, 1.5), "not one line"),
        (stops.End(130, LINE, 1.0, 2.5), "1.5 s later"),
    ],
)  # fmt: skip
def test_the_judge_of_an_end(end: stops.End, told: str, tmp_path: Path) -> None:
    assert stops.wrong(end, signal.SIGINT, tmp_path) == told
    (tmp_path / "runs/walk").mkdir(parents=True)
    for name in ("pose2d.npz", ".walk_3d.mp4.part7"):
        (tmp_path / "runs/walk" / name).touch()
    assert stops.wrong(end, signal.SIGINT, tmp_path) == (told or "litter: .walk_3d.mp4.part7")


@pytest.mark.slow
def test_whole_processes_end_soon_and_tidy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "SOON_S", 2.0)  # on a busy machine a second of the processor does less
    assert stops.main(["--times", "10", "--seed", "4"]) == 0
