"""Where torch runs MMPose's networks: the device, half precision on a GPU, and one line for what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from detectors.base import DetectorError


def pick(wanted: str) -> str:
    """Turn auto, cpu or cuda into the device to use; raises DetectorError when there is no such device."""
    if wanted not in ("auto", "cpu", "cuda"):
        raise DetectorError(f"device {wanted!r} is not known: use auto, cpu or cuda")
    if wanted == "cpu":
        return wanted  # without torch, which takes a second to import
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise DetectorError("device cuda: PyTorch finds no CUDA device here; use --device cpu")
    return "cpu" if wanted == "auto" and not torch.cuda.is_available() else wanted.replace("auto", "cuda")


@contextmanager
def told(title: str, device: str) -> Iterator[None]:
    """Tell in one line what PyTorch cannot do: memory that runs out, a device that fails, an operator not there."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise DetectorError(f"{title} failed on {device}: {problem}; free memory, or use --device cpu") from error


def halved(network: Any) -> None:
    """Prepare a top-down network of MMPose for `half`: channels last in memory, the head's answer in float32.

    numpy, which decodes, has no bfloat16, and a peak's height wants more digits than either half format has.
    """
    import torch

    network.to(memory_format=torch.channels_last)
    forward = network.head.forward

    def in_full(feats: Any) -> Any:
        found = forward(feats)
        return tuple(part.float() for part in found) if isinstance(found, tuple) else found.float()

    network.head.forward = in_full


def half(device: str) -> AbstractContextManager[Any]:
    """Return a context in which convolutions and products run in half precision: float16 on a GPU, else bfloat16."""
    import torch

    return torch.autocast(device, dtype=torch.float16 if device == "cuda" else torch.bfloat16)


def moved(network: Any, title: str, device: str) -> None:
    """Bring a network of MMPose or MMDetection to the device; a GPU is to fetch `pinned` pictures by itself.

    Raises:
        DetectorError: the device has no room for it.
    """
    with told(title, device):
        network.to(device)
    if device == "cuda":
        network.data_preprocessor._non_blocking = True


def pinned(samples: list[dict[str, Any]], device: str) -> list[dict[str, Any]]:
    """Put the samples' pictures into memory that a GPU reads by itself, so that copying them waits for nothing."""
    if device == "cuda":
        for sample in samples:
            sample["inputs"] = sample["inputs"].pin_memory()
    return samples
