"""Requests side by side, padded on the left so that they all end, and go on, at the same place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from serving.batcher import Ticket

from .preparing import Prepared

LENGTH_STEP_TOKENS = 256
"""Caches come in these lengths: kernels like round numbers, and few lengths."""


@dataclass(frozen=True)
class Batch:
    """``rows`` is the number of requests, ``width`` the longest prompt in tokens."""

    tickets: Sequence[Ticket[Prepared]]
    token_ids: torch.Tensor
    """``[rows, width]``"""
    token_types: torch.Tensor
    """``[rows, width]``"""
    mask: torch.Tensor
    """``[rows, length]``, 0 on the padding before a row's prompt. All that is still to come counts
    as there: no token sees what is behind it anyway, and so the shape stays."""
    lengths: torch.Tensor
    """``[rows]``, tokens of each prompt."""

    @property
    def rows(self) -> int:
        """How many requests."""
        return len(self.tickets)

    @property
    def width(self) -> int:
        """Tokens of the longest prompt."""
        return self.token_ids.shape[1]

    @property
    def length(self) -> int:
        """Tokens that the cache must have room for."""
        return self.mask.shape[1]

    @property
    def steps(self) -> int:
        """The most tokens that any request may say."""
        return max(ticket.request.max_new_tokens for ticket in self.tickets)

    def positions(self) -> torch.Tensor:
        """``[rows, width]``: each row counts its own tokens, from 0."""
        return (self.mask[:, : self.width].cumsum(dim=1) - 1).clamp(min=0)

    def pixels(self) -> list[torch.Tensor]:
        """The pictures, row after row."""
        requests = [ticket.request for ticket in self.tickets]
        return [request.pixels for request in requests if request.pixels is not None]


def collate(tickets: Sequence[Ticket[Prepared]], device: torch.device) -> Batch:
    """Puts requests side by side on the device."""
    requests = [ticket.request for ticket in tickets]
    width = max(len(request.token_ids) for request in requests)
    most = max(request.max_new_tokens for request in requests)
    length = -(-(width + most) // LENGTH_STEP_TOKENS) * LENGTH_STEP_TOKENS

    def padded(values: Callable[[Prepared], list[int]]) -> torch.Tensor:
        return torch.tensor(
            [[0] * (width - len(request.token_ids)) + values(request) for request in requests],
            device=device,
        )

    there = padded(lambda request: [1] * len(request.token_ids))
    to_come = there.new_ones((len(requests), length - width))
    return Batch(
        tickets=tickets,
        token_ids=padded(lambda request: request.token_ids),
        token_types=padded(lambda request: request.token_types),
        mask=torch.cat([there, to_come], dim=1),
        lengths=there.sum(dim=1),
    )
