"""One more token for every row: the step that runs dozens of times for each batch.

Shapes change little from step to step (the cache is there in full from the beginning, the mask
covers what is still to come), so the step can be compiled. Compiled once for a single row and once
for any number of rows, it serves every batch: rows and lengths are symbols in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import Gemma3ForConditionalGeneration
from transformers.cache_utils import Cache

Step = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, Cache], torch.Tensor]
"""From tokens ``[rows, 1]``, positions ``[rows, 1]``, a mask ``[rows, length of the cache]`` and a
cache to logits ``[rows, vocabulary]``."""


@dataclass(frozen=True)
class Compiling:
    """Whether and how the step is compiled."""

    wanted: bool | None = None
    """None compiles for a GPU and not for a CPU, where it costs more than it saves."""
    backend: str | Callable[..., Callable[..., object]] = "inductor"
    """As ``torch.compile`` takes it."""

    def pays_on(self, device: torch.device) -> bool:
        """Whether the step is compiled on this device."""
        return device.type == "cuda" if self.wanted is None else self.wanted


def step_of(model: Gemma3ForConditionalGeneration, compiling: Compiling) -> Step:
    """The step of a model where it is now. Compiles at its first calls: warm-up makes them."""
    step = _plain_step(model)
    if not compiling.pays_on(model.device):
        return step
    return torch.compile(step, fullgraph=True, dynamic=True, backend=compiling.backend)


def _plain_step(model: Gemma3ForConditionalGeneration) -> Step:
    """The language model alone: nothing that looks for pictures on the way."""
    language, head = model.model.language_model, model.lm_head

    def step(
        tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: Cache
    ) -> torch.Tensor:
        hidden = language(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        return head(hidden[:, -1])

    return step
