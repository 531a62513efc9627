"""Texts of others on their way into a model, and a model's words on their way out."""

from __future__ import annotations

from typing import Any


class PlainText:
    """Takes a tokenizer's control tokens out of texts, so that nobody opens a turn or an image."""

    def __init__(self, tokenizer: Any) -> None:
        added = tokenizer.added_tokens_decoder.values()
        controls = {str(token) for token in added if token.special}
        self._controls = sorted(controls | set(tokenizer.all_special_tokens), key=len, reverse=True)

    def of(self, text: str) -> str:
        """The text without control tokens."""
        for control in self._controls:
            text = text.replace(control, " ")
        return text


def spoken(tokenizer: Any, token_ids: list[int]) -> str:
    """The words of tokens, fit for phones and message channels."""
    text = tokenizer.decode(token_ids, skip_special_tokens=True).strip()
    # No control characters but line breaks.
    return "".join(char for char in text if char == "\n" or char.isprintable())
