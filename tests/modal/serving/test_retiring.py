"""A GPU that failed for good, and one that had too little memory for once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from serving.batcher import Ticket
from serving.retiring import retiring


@pytest.mark.parametrize(
    ("failure", "retires"),
    [
        (torch.AcceleratorError("an illegal memory access was encountered"), True),
        (torch.OutOfMemoryError("too many at once"), False),
        (ValueError("a bad request"), False),
    ],
)
def test_only_what_a_gpu_does_not_recover_from_retires(failure: Exception, retires: bool) -> None:
    retired: list[bool] = []

    def fail(_: Sequence[Ticket[int]]) -> list[int]:
        raise failure

    with pytest.raises(type(failure)):
        retiring(fail, lambda: retired.append(True))([])
    assert bool(retired) is retires


def test_what_runs_well_is_handed_on() -> None:
    run = retiring(lambda tickets: [ticket.request + 1 for ticket in tickets], pytest.fail)
    assert run([Ticket(1, 0.0)]) == [2]
