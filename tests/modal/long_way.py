"""Conversations as transformers calculates them: all at once, nothing kept."""

from __future__ import annotations

import torch
from PIL import Image

from streaming.loading import Loaded

Chat = list[tuple[str, list[Image.Image], str]]
"""Role, pictures, words."""


def inputs_of(loaded: Loaded, chat: Chat) -> dict[str, torch.Tensor]:
    """A chat as the processor of transformers makes it; that one needs torchvision."""
    messages = [
        {
            "role": role,
            "content": [*([{"type": "image"}] * len(shown)), {"type": "text", "text": words}],
        }
        for role, shown, words in chat
    ]
    rendered = loaded.tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    pictures = loaded.image_processor(
        [one for _, shown, _ in chat for one in shown], return_tensors="pt"
    )
    first, *others = rendered.split("<|image_pad|>")
    for grid, text in zip(pictures["image_grid_thw"], others, strict=True):
        first += "<|image_pad|>" * int(grid.prod() // 4) + text
    token_ids = torch.tensor([loaded.tokenizer(first)["input_ids"]])
    return {
        "input_ids": token_ids,
        "attention_mask": torch.ones_like(token_ids),
        "mm_token_type_ids": (token_ids == loaded.model.config.image_token_id).int(),
        **pictures,
    }


def the_long_way(loaded: Loaded, chat: Chat, ends: frozenset[int], most: int) -> list[int]:
    """What transformers says, all of the chat given to it at once."""
    inputs = inputs_of(loaded, chat)
    with torch.inference_mode():
        output = loaded.model.generate(**inputs, max_new_tokens=most, eos_token_id=sorted(ends))[
            0, inputs["input_ids"].shape[1] :
        ].tolist()
    return output[:-1] if output[-1] in ends else output
