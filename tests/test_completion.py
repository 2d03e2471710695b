"""Completion in real shells: what a key press brings, in bash, and in zsh and fish where they are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.completion import script
from pipeline.parser import build_parser

# What bash does at a key press: the words so far into COMP_WORDS, then the function of the command.
PRESS = """
source {file}
complete -p {command} > /dev/null || exit 9
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
{function}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def pressed(folder: Path, words: str, command: str = "motion-lift") -> list[str]:
    file = folder / "completion.bash"
    if not file.exists():
        file.write_text(script("bash", build_parser))
    function = "_motion_lift_python" if command == "python" else "_shtab_motion_lift"
    text = PRESS.format(file=file, command=command, words=words, function=function)
    done = subprocess.run(["bash", "--norc", "-c", text], capture_output=True, text=True, cwd=folder, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_verbs_options_choices_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    (tmp_path / "films").mkdir()
    assert pressed(tmp_path, "motion-lift re") == ["render", "report"]
    assert "--detector" in pressed(tmp_path, "motion-lift run --det")
    assert pressed(tmp_path, "motion-lift render film.mp4 --quality ''") == ["draft", "good", "fine"]
    assert sorted(pressed(tmp_path, "motion-lift run fi")) == ["film.mp4", "films"]
    assert pressed(tmp_path, "motion-lift run film.mp4 --output fi") == ["films"]
    assert pressed(tmp_path, "motion-lift completion ''") == ["bash", "zsh", "fish"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_the_module_too_and_leaves_pythons_own_words_alone(tmp_path: Path) -> None:
    assert pressed(tmp_path, "python -m pipeline do", "python") == ["doctor"]
    assert "--view" in pressed(tmp_path, "python -m pipeline render film.mp4 --v", "python")
    assert pressed(tmp_path, "python -m json", "python") == []  # nothing of ours: bash takes its default
    assert pressed(tmp_path, "python film", "python") == []


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_reads_its_script(tmp_path: Path) -> None:
    (tmp_path / "_motion-lift").write_text(script("zsh", build_parser))
    text = f"fpath=({tmp_path} $fpath); autoload -Uz compinit && compinit -u -D && print -r -- $_comps[motion-lift]"
    done = subprocess.run(["zsh", "-f", "-c", text], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "_motion-lift", done.stderr


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_completes(tmp_path: Path) -> None:
    (tmp_path / "motion-lift.fish").write_text(script("fish", build_parser))
    text = f"source {tmp_path / 'motion-lift.fish'}; complete -C 'motion-lift rep'"
    done = subprocess.run(["fish", "--no-config", "-c", text], capture_output=True, text=True, timeout=60)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["report"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_verb_prints_it_and_every_verb_and_option_is_in_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    for word in ("batch", "doctor", "lift-mode", "no-hold-bones", "no-self-test"):
        assert word in said
