"""What a GPU does not recover from: the container must make way for another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from .batcher import Request, Result, Run, Ticket


def retiring(run: Run[Request, Result], retire: Callable[[], None]) -> Run[Request, Result]:
    """Runs batches, and calls ``retire`` when the GPU has failed for good.

    Behind such an error every later call of the process fails. Want of memory is another error, and
    passes.
    """

    def run_or_retire(tickets: Sequence[Ticket[Request]]) -> Sequence[Result]:
        try:
            return run(tickets)
        except torch.AcceleratorError:
            retire()
            raise

    return run_or_retire
