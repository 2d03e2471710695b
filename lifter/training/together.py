"""Several processes as one training: where `torchrun` has started them, they meet before it and part after it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist


def processes() -> int:
    """How many processes `torchrun` has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """Meet the other processes; part from them when all are through. Nothing where there is one process.

    A process that ends while its connections still stand may be aborted by them, and `torchrun` then calls a
    training that went well a failure.
    """
    if processes() == 1 or dist.is_initialized():
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
        dist.barrier()
    finally:
        gc.collect()  # the Runner, a ring of references, holds the connections too
        dist.destroy_process_group()
