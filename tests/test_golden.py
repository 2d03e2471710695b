"""The shipped weights still say what they said; a difference is a change of the weights or of the arithmetic."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from make_lifted import FILE, lifted


def test_the_shipped_lifter_says_what_it_said() -> None:
    np.testing.assert_allclose(
        lifted(), json.loads(FILE.read_text()), atol=1e-3, err_msg="if meant: python tests/golden/make_lifted.py"
    )
