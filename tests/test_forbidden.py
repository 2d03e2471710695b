"""What no file of the house may do: run what a file holds, speak to a shell, hush an error, keep a secret."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("pipeline", "detectors", "lifter", "render", "configs")
PRODUCT = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
# Modules that run or fetch what they are given, and the files that may import them all the same, with the reason.
MODULES: dict[str, dict[str, str]] = {
    "pickle": {
        "detectors/file_npz.py": "the reader that knows four names, all of them ours",
        "detectors/checkpoint.py": "the name of an error", "lifter/training/mmpose_weights.py": "the name of an error",
        "lifter/training/keep.py": "the name of an error",
    },
    "socket": {"pipeline/batch/job.py": "the name of this machine"},
    "urllib": {
        "detectors/download.py": "the one that fetches", "detectors/weights.py": "takes addresses apart",
        "pipeline/view/command.py": "quotes a name", "pipeline/embed/page.py": "quotes a name",
    },
    "http": {"detectors/download.py": "the one that fetches"},
    "openvino": {"detectors/quiet.py": "keeps it from reporting"},
    "onnxruntime": {
        "detectors/quiet.py": "keeps it from reporting",
        "detectors/onnx_runtime.py": "the names of its errors, once it is loaded",
    },
    "subprocess": {"lifter/datasets/detections/films.py": "runs the pipeline, words in a list"},
    "yaml": {"pipeline/calibration.py": "the safe loader and one tag of OpenCV's"},
    **{name: {} for name in (
        "dill", "cloudpickle", "joblib", "shelve", "marshal", "requests", "httpx", "ftplib", "telnetlib",
        "smtplib", "xml", "pty", "code", "codeop", "runpy", "tarfile", "wandb", "sentry_sdk", "ultralytics",
        "openvino_telemetry",
    )},
}  # fmt: skip
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "tempfile.mktemp",
    "torch.hub.load",
    "ssl._create_unverified_context",
    "openvino.convert_model",
}
METHODS = {"extractall", "unpack_archive", "register_custom_ops_library", "load_url", "load_state_dict_from_url"}
# Calls that are right with one word only.
WORDS = {
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
}
NEVER_TRUE = ("shell", "allow_pickle", "trust_remote_code")


def faults(tree: ast.AST, name: str = "") -> Iterator[str]:
    """Yield what is forbidden in a module, with its line."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{line}: a bare except"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for module in modules:
                if name not in MODULES.get(module.split(".")[0], {name: ""}):
                    yield f"{line}: imports {module}"
        if isinstance(node, ast.Call):
            yield from (f"{line}: {fault}" for fault in _call(node))


def _call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    said = {word.arg: word.value for word in node.keywords}
    if called in CALLS or re.match(r"os\.(exec|spawn)", called) or called.rpartition(".")[2] in METHODS:
        yield f"calls {called}"
    if called in WORDS:
        word, right = WORDS[called]
        if not (isinstance(said.get(word), ast.Constant) and said[word].value is right):
            yield f"{called} without {word}={right}"
    for word in NEVER_TRUE:
        if word in said and not (isinstance(said[word], ast.Constant) and not said[word].value):
            yield f"{called} with {word}={ast.unparse(said[word])}"


@pytest.mark.parametrize("file", PRODUCT, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_from_outside_is_run(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not list(faults(tree, str(file.relative_to(ROOT))))


def test_tests_speak_to_no_shell_and_hush_nothing() -> None:
    for file in TESTS:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        told = [fault for fault in faults(tree) if "imports" not in fault and "load" not in fault]
        # Gadgets are made there, and never loaded but by the readers that refuse them.
        assert not [fault for fault in told if "shell" in fault or "bare except" in fault or "calls eval" in fault], (
            file
        )


@pytest.mark.parametrize(
    "code",
    [
        "np.load(f)",
        "np.load(f, allow_pickle=True)",
        "np.load(f, None, flag)",
        "torch.load(f)",
        "torch.load(f, weights_only=w)",
        "import pickle",
        "from pickle import load",
        "import yaml",
        "import xml.etree.ElementTree as e",
        "eval(x)",
        "exec(x)",
        "import subprocess",
        "run(x, shell=True)",
        "os.system(x)",
        "os.execvp(x, y)",
        "a.extractall()",
        "__import__(x)",
        "try:\n a()\nexcept:\n pass",
        "import requests",
        "from urllib.request import urlopen",
        "import socket",
        "openvino.convert_model(x)",
        "s.register_custom_ops_library(x)",
        "np.lib.format.read_array(f, allow_pickle=p)",
    ],
)
def test_it_is_found_where_it_is(code: str) -> None:
    assert list(faults(ast.parse(code), "pipeline/run.py"))


def test_exceptions_to_the_rule_are_still_needed() -> None:
    for module, files in MODULES.items():
        for name in files:
            assert list(faults(ast.parse((ROOT / name).read_text(encoding="utf-8")), "elsewhere")), (
                f"{module} in {name}"
            )


# Keys by the marks that those who give them out put on them, private keys, and words to which a value is given.
SECRETS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY",
    "aws": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "github": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
    "slack": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "google": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "openai": r"\bsk-[A-Za-z0-9_-]{32,}",
    "hugging face": r"\bhf_[A-Za-z0-9]{30,}",
    "pypi": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "jwt": r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{10,}",
    "in an address": r"\b[a-z]+://[^/\s:@'\"{}]+:[^/\s:@'\"{}]{6,}@(?!127\.|localhost)",
    "given": r"(?i)\b(?:password|passwd|secret|api_?key|access_?token)\b['\"]?\s*[:=]\s*['\"][^'\"\s]{8,}['\"]",
}


def secrets(text: str) -> list[str]:
    """Return the kinds of secrets that a text seems to hold."""
    return [kind for kind, pattern in SECRETS.items() if re.search(pattern, text)]


def test_no_tracked_file_holds_a_secret() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no git here: which files are tracked is not known")
    for name in listed.stdout.decode().split("\0"):
        file = ROOT / name
        if name and file.is_file() and file.stat().st_size < 4_000_000:
            assert not secrets(file.read_bytes().decode("latin1")), name


def test_secrets_are_found_where_they_are() -> None:
    """Put together here, so that this file holds none."""
    there = [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "AKIA" + "Q" * 16,
        "ghp_" + "a1" * 18,
        "xoxb-" + "1" * 12,
        "AIza" + "x" * 35,
        "sk-" + "a" * 40,
        "hf_" + "a" * 34,
        "pypi-" + "a" * 60,
        "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20,
        "https://me:" + "hunter22" + "@example.org",
        "password" + " = 'hunter2222'",
    ]
    assert [secrets(text)[0] for text in there] == list(SECRETS)
