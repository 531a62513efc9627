"""From messages and pictures to tokens and pixels. One request at a time.

What is wrong with a request shows here, before it reaches the model.
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

from .loading import Loaded

EARLIER_ANSWER = "\x1f"
"""Stands for an earlier answer where only what follows it is wanted."""


@dataclass(frozen=True)
class Seen:
    """Pictures as the vision encoder takes them."""

    pixels: torch.Tensor
    """``[patches of all pictures, values of a patch]``, float32, on the CPU."""
    grids: torch.Tensor
    """``[pictures, 3]``: how many patches each is long, high and wide."""
    tokens: tuple[int, ...]
    """How many tokens each picture takes."""


@dataclass(frozen=True)
class Prepared:
    """One turn as the engine takes it."""

    token_ids: list[int]
    seen: Seen | None
    max_new_tokens: int
    sampling: Sampling = GREEDY
    shared_tokens: int = 0
    """Leading tokens, all pictures included, that every question begins with too."""
    questions: tuple[list[int], ...] = ()
    """What follows the shared tokens, for each question."""


class Preparer:
    """Turns requests into :class:`Prepared`. Safe to use from several threads."""

    def __init__(self, loaded: Loaded, pool: Executor, max_prompt_tokens: int) -> None:
        self._tokenizer = loaded.tokenizer
        self._image_processor = loaded.image_processor
        self._pool = pool
        self._plain = PlainText(loaded.tokenizer)
        self._encoder = Encoder(loaded.tokenizer, max_prompt_tokens)
        config = loaded.model.config
        self._patches_per_token = config.vision_config.spatial_merge_size**2
        self._picture, self._picture_end = loaded.tokenizer.convert_ids_to_tokens(
            [config.image_token_id, config.vision_end_token_id]
        )
        self._picture_end_id = config.vision_end_token_id

    def see(self, pictures: Sequence[Image.Image]) -> Seen:
        """Pictures, made ready once for whatever is said about them."""

        def of(picture: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
            one = self._image_processor(picture, return_tensors="pt")
            return one["pixel_values"], one["image_grid_thw"]

        pixels, grids = zip(*self._pool.map(of, pictures), strict=True)
        grid = torch.cat(grids)
        tokens = (grid.prod(dim=1) // self._patches_per_token).tolist()
        return Seen(torch.cat(pixels), grid, tuple(tokens))

    def about_pictures(
        self,
        seen: Seen,
        text: str,
        *,
        max_new_tokens: int,
        continues: bool = False,
        sampling: Sampling = GREEDY,
        conditions: Sequence[str] = (),
    ) -> Prepared:
        """A turn about pictures, and yes/no conditions about the same pictures.

        With ``continues`` it is the next turn of a conversation: it begins by ending the answer.
        """
        asked = about_images(len(seen.tokens), self._plain.of(text))
        rendered = self._render_next(asked) if continues else self._render(asked)
        token_ids = self._encoder.encode(self._make_room(rendered, seen))
        return Prepared(
            token_ids=token_ids,
            seen=seen,
            max_new_tokens=max_new_tokens,
            sampling=sampling,
            shared_tokens=self._after_last_picture(token_ids),
            questions=tuple(self._question(seen, condition) for condition in conditions),
        )

    def chat(
        self, turns: Sequence[tuple[str, str]], *, max_new_tokens: int, sampling: Sampling = GREEDY
    ) -> Prepared:
        """A request in words alone, of any number of turns."""
        messages = [_message(role, self._plain.of(words)) for role, words in turns]
        token_ids = self._encoder.encode(self._render(messages))
        return Prepared(token_ids, None, max_new_tokens, sampling)

    def _question(self, seen: Seen, condition: str) -> list[int]:
        text = question_text(self._plain.of(condition))
        rendered = self._render(about_images(len(seen.tokens), text))
        _, _, after = rendered.rpartition(self._picture_end)
        return self._encoder.encode(after)

    def _render(self, messages: Sequence[Message]) -> str:
        return self._tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=True
        )

    def _render_next(self, asked: Sequence[Message]) -> str:
        """What stands behind an earlier answer when ``asked`` comes next."""
        earlier = [_message("user", "."), _message("assistant", EARLIER_ANSWER)]
        _, _, after = self._render([*earlier, *asked]).partition(EARLIER_ANSWER)
        return after

    def _make_room(self, rendered: str, seen: Seen) -> str:
        """Repeats each picture's token as often as the picture takes."""
        first, *others = rendered.split(self._picture)
        roomy = [
            self._picture * count + text for count, text in zip(seen.tokens, others, strict=True)
        ]
        return "".join([first, *roomy])

    def _after_last_picture(self, token_ids: list[int]) -> int:
        return len(token_ids) - token_ids[::-1].index(self._picture_end_id)


def _message(role: str, words: str) -> Message:
    return {"role": role, "content": [{"type": "text", "text": words}]}
