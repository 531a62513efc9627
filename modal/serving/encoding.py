"""From text to tokens, by a tokenizer that several threads share."""

from __future__ import annotations

import threading
from typing import Any


class PromptTooLong(ValueError):
    """More tokens than the settings allow."""


class Encoder:
    """Safe to use from several threads."""

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        # Fast tokenizers are not safe to share: "Already borrowed" under load.
        self._lock = threading.Lock()

    def encode(self, text: str) -> list[int]:
        """The tokens of a text that a chat template has made. Raises PromptTooLong."""
        with self._lock:
            # The template has written the first token already.
            token_ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(token_ids) > self._max_tokens:
            raise PromptTooLong(
                f"Cannot answer as the prompt must be at most {self._max_tokens} tokens: "
                f"current value is {len(token_ids)}"
            )
        return token_ids
