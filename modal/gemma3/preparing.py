"""From messages and pictures to tokens and pixels. One request at a time, outside any batch.

What is wrong with a request shows here, before it meets its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import torch
from PIL import Image

from serving.encoding import Encoder
from serving.plain import PlainText
from serving.prompts import Message, about_images, question_text
from serving.sampling import GREEDY, Sampling

IMAGE_TOKEN_TYPE = 1


@dataclass(frozen=True)
class Prepared:
    """One request as the engine takes it."""

    token_ids: list[int]
    token_types: list[int]
    """1 where a picture stands, else 0; as long as ``token_ids``."""
    pixels: torch.Tensor | None
    """``[pictures, 3, height, width]``, float32, on the CPU; None without pictures."""
    max_new_tokens: int
    sampling: Sampling = GREEDY
    shared_tokens: int = 0
    """Leading tokens, all pictures included, that every question begins with too."""
    questions: tuple[list[int], ...] = ()
    """What follows the shared tokens, for each question."""


class Preparer:
    """Turns requests into :class:`Prepared`. Safe to use from several threads."""

    def __init__(self, processor: object, pool: Executor, max_prompt_tokens: int) -> None:
        self._processor = processor
        self._tokenizer = processor.tokenizer
        self._pool = pool
        self._encoder = Encoder(self._tokenizer, max_prompt_tokens)
        self._plain = PlainText(self._tokenizer)

    def about_pictures(
        self,
        pictures: Sequence[Image.Image],
        text: str,
        *,
        max_new_tokens: int,
        sampling: Sampling = GREEDY,
        conditions: Sequence[str] = (),
    ) -> Prepared:
        """A request about pictures, and yes/no conditions about the same pictures."""
        pixels = self._pixels(pictures)
        prompt = self._render(about_images(len(pictures), self.plain(text)))
        token_ids = self._encode(prompt)
        return Prepared(
            token_ids=token_ids,
            token_types=self._types(token_ids),
            pixels=pixels,
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            shared_tokens=self._after_last_image(token_ids),
            questions=tuple(self._question(len(pictures), condition) for condition in conditions),
        )

    def chat(
        self, messages: Sequence[Message], *, max_new_tokens: int, sampling: Sampling = GREEDY
    ) -> Prepared:
        """A request in words alone, of any number of turns."""
        plain: list[Message] = [
            {
                "role": message["role"],
                "content": [
                    {"type": "text", "text": self.plain(item["text"])}
                    for item in message["content"]
                ],
            }
            for message in messages
        ]
        token_ids = self._encode(self._render(plain))
        return Prepared(token_ids, self._types(token_ids), None, max_new_tokens, sampling)

    def plain(self, text: str) -> str:
        """The text without control tokens: what somebody writes must open no turn and no image."""
        return self._plain.of(text)

    def _question(self, pictures: int, condition: str) -> list[int]:
        text = question_text(self.plain(condition))
        prompt = self._render(about_images(pictures, text))
        _, _, after = prompt.rpartition(self._tokenizer.eoi_token)
        return self._encode(after)

    def _render(self, messages: Sequence[Message]) -> str:
        text = self._processor.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True
        )
        return text.replace(self._tokenizer.boi_token, self._processor.full_image_sequence)

    def _encode(self, text: str) -> list[int]:
        return self._encoder.encode(text)

    def _types(self, token_ids: list[int]) -> list[int]:
        image_token = self._tokenizer.image_token_id
        return [IMAGE_TOKEN_TYPE if token == image_token else 0 for token in token_ids]

    def _after_last_image(self, token_ids: list[int]) -> int:
        return len(token_ids) - token_ids[::-1].index(self._tokenizer.eoi_token_id)

    def _pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        def of(picture: Image.Image) -> torch.Tensor:
            return self._processor.image_processor(picture, return_tensors="pt")["pixel_values"]

        return torch.cat(list(self._pool.map(of, pictures)))
