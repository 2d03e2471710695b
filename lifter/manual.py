"""What the help of the laboratory's verbs says below its options; the examples are run by tests/test_help.py."""

from __future__ import annotations

from lifter.parsing import closing

_CODES = "0 done; 1 it failed, told in one line; 2 a wrong command line; 130 stopped"
_GUIDE = "lifter/README.md (the laboratory's guide)"
_TRIALS = "OUT/: a folder a training, and the tables as .md and .json; what is there is not done again"
# verb -> examples, files written, what to read next
_PAGES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "": (
        ("prepare tiny --kind mocap --out work_dirs/tiny", "evaluate --lifter ugcn --data work_dirs/data/mocap"),
        "what each verb writes stands in its help: python -m lifter VERB --help",
        f"python -m pipeline --help (films to 3D)\n{_GUIDE}",
    ),
    "prepare": (
        (
            "prepare mocap --source mocap --out work_dirs/data/mocap --keypoints gt,noisy",
            "prepare h36m --source h36m --out work_dirs/data/h36m",
            "prepare tiny --kind mocap --out work_dirs/tiny",
        ),
        "OUT/: poses and a file of key points a 2D source, without pickles",
        f"train, evaluate (which take OUT as --data)\n{_GUIDE}",
    ),
    "train": (
        (
            "train configs/ugcn.py --data mocap --out work_dirs/ugcn",
            "train configs/mocap.py --out work_dirs/mocap --cfg-options model.loss.weight=1.0",
        ),
        "OUT/lifter.safetensors: the result, for `python -m pipeline run --lifter`\n"
        "OUT/last.pt, log.txt, tensorboard/: where it goes on, and how it went",
        f"prepare (data), evaluate (the result), compare\n{_GUIDE}",
    ),
    "refine": (
        ("refine --lifter ugcn --data work_dirs/data/mocap --out work_dirs/refine",),
        "OUT/refine.safetensors",
        f"evaluate --refine FILE\n{_GUIDE}",
    ),
    "evaluate": (
        (
            "evaluate --lifter ugcn --data work_dirs/data/mocap --by action joint",
            "evaluate --lifter mean --data work_dirs/data/mocap --out work_dirs/scores",
        ),
        "nothing without --out; with it scores.json, .csv, .md and .png",
        f"prepare (data), compare (several lifters)\n{_GUIDE}",
    ),
    "tables": (
        ("tables 1 2 --data work_dirs/data/mocap --out work_dirs/tables",),
        _TRIALS,
        f"compare, figure\n{_GUIDE}",
    ),
    "compare": (
        ("compare --data work_dirs/data/mocap --out work_dirs/compare --every 23",),
        _TRIALS,
        f"tables (the paper's), evaluate\n{_GUIDE}",
    ),
    "measure": (
        ("measure --data work_dirs/data/mocap --keypoints noisy --out work_dirs/measured",),
        "nothing without --out; with it errors.csv, errors.json, errors.png, and noise.toml for a training",
        f"prepare detections, train\n{_GUIDE}",
    ),
    "noise": (
        ("noise --data work_dirs/data/mocap --detections noisy --max-sequences 40 --out work_dirs/noise",),
        "nothing without --out; with it noise.csv, noise.json and noise.png",
        f"mixtures (lifters trained for every mixture)\n{_GUIDE}",
    ),
    "mixtures": (
        ("mixtures --data work_dirs/data/mocap --detections noisy --out work_dirs/mixtures",),
        f"{_TRIALS}; mixtures.csv, .json and .png; the mixtures themselves in the data set",
        f"noise\n{_GUIDE}",
    ),
    "figure": (
        (
            "figure 1 --out work_dirs/figures",
            "figure 5 --data work_dirs/data/mocap --lifter ugcn --out work_dirs/figures",
            "figure 7 --run runs/film --out work_dirs/figures",
        ),
        "OUT/figure_NUMBER.png",
        f"noise (figure 6), tables\n{_GUIDE}",
    ),
}


def closing_of(verb: str) -> str:
    """Return the end of a verb's help; "" is that of `python -m lifter` itself."""
    examples, writes, see = _PAGES[verb]
    return closing([f"python -m lifter {example}" for example in examples], writes, see, _CODES)
