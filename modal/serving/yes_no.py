"""Reads yes or no from probabilities, not from words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

YES_SPELLINGS = ("yes", "Yes", "YES", " yes", " Yes")
NO_SPELLINGS = ("no", "No", "NO", " no", " No")
YES_THRESHOLD = 0.5


@dataclass(frozen=True)
class YesNoTokens:
    """The tokens that say yes, and those that say no."""

    yes: tuple[int, ...]
    no: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Any) -> YesNoTokens:
        """Every spelling that is one token of this tokenizer."""
        return cls(_single(tokenizer, YES_SPELLINGS), _single(tokenizer, NO_SPELLINGS))

    def shares(self, logits: torch.Tensor) -> list[float]:
        """The probability of yes among yes and no, 0 to 1, for ``[rows, vocabulary]``."""
        yes = logits[:, list(self.yes)].float().logsumexp(dim=-1)
        no = logits[:, list(self.no)].float().logsumexp(dim=-1)
        return torch.sigmoid(yes - no).tolist()


def answer_of(identity: str, yes_share: float) -> dict[str, Any]:
    """What the caller gets for a condition: the likelier answer, and how likely it is."""
    yes = yes_share >= YES_THRESHOLD
    return {"id": identity, "yes": yes, "confidence": yes_share if yes else 1 - yes_share}


def _single(tokenizer: Any, spellings: tuple[str, ...]) -> tuple[int, ...]:
    encoded = [tokenizer.encode(spelling, add_special_tokens=False) for spelling in spellings]
    tokens = {token_ids[0] for token_ids in encoded if len(token_ids) == 1}
    if not tokens:
        raise ValueError(
            f"Cannot answer questions as one of {spellings} must be a single token: "
            f"current value is {encoded}"
        )
    return tuple(sorted(tokens))
