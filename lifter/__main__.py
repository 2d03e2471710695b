"""`python -m lifter`: the laboratory's own door; prepare data, train, evaluate and take apart the lifter."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from lifter.errors import LifterError
from lifter.manual import closing_of
from lifter.parsing import Parser
from lifter.stops import EXIT_STOPPED, listening

# verb -> one line of help; the verb's module in `lifter.commands` has the same name.
VERBS = {
    "prepare": "bring a data set into the one form that training and evaluation take",
    "train": "train a lifter by a config; goes on where it was stopped",
    "refine": "train the refine module of Cai et al. on a lifter (uses ground-truth root depth and intrinsics)",
    "evaluate": "errors of a lifter on a prepared data set: by action, by joint, as table and plot",
    "tables": "run one of the paper's tables and print its numbers beside ours",
    "compare": "train several lifters on the same windows with the same budget and compare them",
    "measure": "how a detector errs against the truth, joint by joint; the noise to train on",
    "noise": "how errors of the 2D key points become errors of the 3D pose",
    "mixtures": "train and test a lifter for every mixture of true and detected 2D (Appendix A, Figure 6)",
    "figure": "draw one of the paper's figures",
}

_STOPPED = "stopped; the same command goes on where it was\n"

# Packages that only the laboratory needs, by the name they are imported as.
EXTRA = ("mmengine", "tensorboard", "h5py")


def build_parser(verb: str | None = None) -> Parser:
    """Return the parser of `python -m lifter`; only the verb asked for gets its arguments."""
    what = "The laboratory of the lifter: prepare data, train, evaluate, and take the method apart."
    parser = Parser(prog="python -m lifter", description=what, epilog=closing_of(""))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, line in VERBS.items():
        description = f"{line[0].upper()}{line[1:]}."
        sub = verbs.add_parser(name, help=line, description=description, epilog=closing_of(name))
        if name == verb:
            importlib.import_module(f"lifter.commands.{name}").add_arguments(sub)
            sub.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="processor threads to use "
                             "(default: all)")  # fmt: skip
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = next((word for word in words if word in VERBS), None)
    with listening(_STOPPED) as signals:
        try:
            return _run(verb, words)
        except KeyboardInterrupt:
            pass
        except Exception as error:  # noqa: BLE001 - `_tell` raises what it does not know
            if not signals:
                return _tell(verb, error)
    sys.stderr.write(_STOPPED)
    return EXIT_STOPPED


def _run(verb: str | None, words: list[str]) -> int:
    given = build_parser(verb).parse_args(words)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve each other on busy machines
    if given.verb not in ("prepare", "measure"):  # which need no network
        import torch

        if given.threads < 1:
            raise LifterError(f"--threads: at least 1 wanted, got {given.threads}")
        torch.set_num_threads(min(given.threads, os.cpu_count() or 1))  # more only wait; very many end the process
    return int(importlib.import_module(f"lifter.commands.{given.verb}").run(given))


def _tell(verb: str | None, error: Exception) -> int:
    """Tell in one line what can be foreseen, and return the exit code; anything else is raised again."""
    if isinstance(error, LifterError):
        told = " ".join(str(error).split())
    elif isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in EXTRA:
        told = f"{verb} needs {error.name}: pip install -e '.[lab]'"
    elif isinstance(error, OSError):  # a folder that cannot be made, a disk that is full
        told = f"{error.filename or 'a file'}: {error.strerror or error}"
    # PyTorch tells a lack of memory, here or on a GPU, as a RuntimeError.
    elif isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error)):
        told = "out of memory; a smaller network, a smaller batch or fewer --jobs may fit"
    else:
        raise error
    sys.stderr.write(f"error: {told}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
