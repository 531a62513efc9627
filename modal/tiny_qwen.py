"""Builds a Qwen2.5-VL with random weights in a second: ``python modal/tiny_qwen.py FOLDER``.

Every part of the real model is there (vision tower with windows, merger, text layers whose
positions have three axes, chat template, a tokenizer with images), 0.3 million parameters in all.
It says nonsense; the way from a JPEG to a sentence is the true one.

Weights are drawn so that tests can fail: pictures change the words, and so does what was said
before. It says visible letters alone, each a token, so that its words can be read back token for
token.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
)

from streaming.chat_template import CHAT_TEMPLATE
from tiny_words import byte_tokenizer

CONTROL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
SPEAKABLE = range(ord("!"), ord("~") + 1)


@dataclass(frozen=True)
class TinyShape:
    """How small it is."""

    hidden: int = 64
    heads: int = 4
    head_width: int = 16
    layers: int = 4
    position_axes: tuple[int, int, int] = (2, 3, 3)
    """How many of a head's frequencies follow time, height and width; half its width in all."""
    max_positions: int = 16_384
    seed: int = 0


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the weights, found by trying: see the module's text."""

    weights: float = 0.2
    embeddings: float = 0.3
    head: float = 0.5
    unspoken: float = 0.02
    """Of the head for tokens that are not to be said, but have a probability."""


def build(folder: Path, shape: TinyShape = TinyShape(), spread: Spread = Spread()) -> None:
    """Writes model, tokenizer and image processor into the folder."""
    tokenizer = build_tokenizer(shape)
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil().save_pretrained(folder)
    build_model(tokenizer, shape, spread).save_pretrained(folder)


def build_tokenizer(shape: TinyShape) -> PreTrainedTokenizerFast:
    """Bytes as tokens, a few whole words, and Qwen's control tokens."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=byte_tokenizer(CONTROL_TOKENS),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=shape.max_positions,
    )
    fast.add_tokens(list(CONTROL_TOKENS), special_tokens=True)
    fast.chat_template = CHAT_TEMPLATE
    return fast


def build_model(
    tokenizer: PreTrainedTokenizerFast, shape: TinyShape, spread: Spread
) -> Qwen2_5_VLForConditionalGeneration:
    """The model with its random weights, in float32."""
    token = {name: tokenizer.convert_tokens_to_ids(name) for name in CONTROL_TOKENS}
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.hidden,
        "intermediate_size": 2 * shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads // 2,
        "max_position_embeddings": shape.max_positions,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1_000.0,
            "mrope_section": list(shape.position_axes),
        },
        "bos_token_id": None,
        "eos_token_id": token["<|im_end|>"],
        "pad_token_id": token["<|endoftext|>"],
        "initializer_range": spread.weights,
    }
    vision = {
        "depth": 2,
        "hidden_size": shape.hidden // 2,
        "intermediate_size": shape.hidden,
        "num_heads": 2,
        "window_size": 56,
        "out_hidden_size": shape.hidden,
        "fullatt_block_indexes": [1],
        "initializer_range": spread.weights,
    }
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=token["<|image_pad|>"],
        video_token_id=token["<|video_pad|>"],
        vision_start_token_id=token["<|vision_start|>"],
        vision_end_token_id=token["<|vision_end|>"],
        tie_word_embeddings=False,
        initializer_range=spread.weights,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        model = Qwen2_5_VLForConditionalGeneration(config)
        _spread_weights(model, tokenizer, spread)
    ends = [token["<|im_end|>"], token["<|endoftext|>"]]
    model.generation_config = GenerationConfig(
        pad_token_id=token["<|endoftext|>"], eos_token_id=ends, do_sample=False
    )
    return model


@torch.no_grad()
def _spread_weights(
    model: Qwen2_5_VLForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, spread: Spread
) -> None:
    for name, weights in model.named_parameters():
        if weights.dim() > 1:
            weights.normal_(0, spread.weights)
        elif "bias" in name:
            weights.zero_()
    model.get_input_embeddings().weight.normal_(0, spread.embeddings)
    # What is not to be said is never the most probable: the best of so many others is far above.
    spoken = [tokenizer.convert_tokens_to_ids(chr(code)) for code in SPEAKABLE]
    model.lm_head.weight.normal_(0, spread.unspoken)
    model.lm_head.weight[spoken] = torch.randn(len(spoken), model.lm_head.in_features) * spread.head


if __name__ == "__main__":
    build(Path(sys.argv[1]))
