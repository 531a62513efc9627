"""Chooses the next token of each row, by that row's own wish and chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 0.0
    """0 takes the most probable."""
    top_p: float = 1.0
    """Only the most probable tokens that together reach this share are drawn from."""
    seed: int | None = None
    """None draws differently each time."""


GREEDY = Sampling()


class Drawer:
    """The chances of one batch. Each row has its own generator, so neighbours change nothing."""

    def __init__(self, samplings: Sequence[Sampling]) -> None:
        self._drawn = {
            row: (sampling, _generator(sampling.seed))
            for row, sampling in enumerate(samplings)
            if sampling.temperature > 0
        }

    def draw(self, logits: torch.Tensor) -> torch.Tensor:
        """The next tokens, ``[rows]``, from ``[rows, vocabulary]``."""
        tokens = logits.argmax(dim=-1)
        for row, (sampling, generator) in self._drawn.items():
            tokens[row] = _draw_one(logits[row].float().cpu(), sampling, generator)
        return tokens


def _draw_one(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> torch.Tensor:
    probabilities = (logits / sampling.temperature).softmax(dim=-1)
    ranked, order = probabilities.sort(descending=True)
    # A token stays while those before it have not reached the share: the first one always does.
    ranked[ranked.cumsum(dim=-1) - ranked >= sampling.top_p] = 0
    return order[torch.multinomial(ranked, 1, generator=generator)].squeeze()


def _generator(seed: int | None) -> torch.Generator:
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
