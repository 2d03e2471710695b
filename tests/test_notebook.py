"""The guide's notebook: committed without outputs, and run from its first cell to its last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "pipeline" / "guide").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        assert cell["cell_type"] != "code" or (cell["outputs"] == [] and cell["execution_count"] is None)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, client = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    client.NotebookClient(notebook, timeout=280, startup_timeout=280, kernel_name="python3", resources=place).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [shown_by(cell) for cell in cells]
    (ran,) = [index for index, cell in enumerate(cells) if "from pipeline import run" in cell.source]
    stages = [name for name in ("detect", "lift", "render") if any(f"<code>{name} 5" in page for page in shown[ran])]
    assert stages == ["detect", "lift", "render"]  # bars, each at its end: 50 frames
    assert any('src="data:video/mp4;base64,' in page for page in shown[ran])
    assert not [out for cell in cells for out in cell.outputs if out.output_type in ("stream", "error")]
    assert float(cells[ran + 3].outputs[-1].data["text/plain"].removeprefix("np.float32(").rstrip(")")) < 1e-4
    assert "1 person, 50 frames, 2.0 s" in cells[ran + 4].outputs[-1].data["text/plain"]
    assert "did you mean mediapipe" in cells[ran + 5].outputs[-1].data["text/plain"]


def shown_by(cell: Any) -> list[str]:
    """The pages of HTML below a cell."""
    return [out.data["text/html"] for out in cell.outputs if "data" in out and "text/html" in out.data]
