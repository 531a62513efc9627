"""Builds a Gemma 3 with random weights in a second: ``python modal/tiny_gemma3.py FOLDER``.

Every part of the real model is there (vision tower, projector, sliding and full text layers, chat
template, a tokenizer with images), 0.3 million parameters in all. It says nonsense; the way from a
JPEG to a sentence is the true one.

Weights are drawn so that tests can fail: pictures change the words, early tokens change later ones,
and prompts are longer than the sliding window, as the real ones are.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import processors
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    Gemma3TextConfig,
    GenerationConfig,
    PreTrainedTokenizerFast,
    SiglipVisionConfig,
)

from tiny_words import byte_tokenizer

CONTROL_TOKENS = (
    "<pad>",
    "<eos>",
    "<bos>",
    "<unk>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<end_of_image>",
    "<image_soft_token>",
)
CHAT_TEMPLATE = """\
{{ bos_token }}
{%- for message in messages -%}
  {%- set role = "model" if message.role == "assistant" else message.role -%}
  {{ "<start_of_turn>" + role + "\n" }}
  {%- for item in message.content -%}
    {%- if item.type == "image" -%}{{ "<start_of_image>" }}
    {%- elif item.type == "text" -%}{{ item.text | trim }}
    {%- endif -%}
  {%- endfor -%}
  {{ "<end_of_turn>\n" }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ "<start_of_turn>model\n" }}{%- endif -%}
"""


@dataclass(frozen=True)
class TinyShape:
    """How small it is."""

    image_edge: int = 56
    patch_edge: int = 14
    tokens_per_image: int = 4
    hidden: int = 64
    heads: int = 4
    head_width: int = 16
    sliding_window: int = 32
    max_positions: int = 8192
    seed: int = 0


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the weights, found by trying: see the module's text."""

    weights: float = 0.2
    projector: float = 0.3
    embeddings: float = 0.03
    head: float = 0.5


def build(folder: Path, shape: TinyShape = TinyShape(), spread: Spread = Spread()) -> None:
    """Writes model and processor into the folder, as ``from_pretrained`` reads them."""
    tokenizer = build_tokenizer(shape)
    image_processor = Gemma3ImageProcessorPil(
        size={"height": shape.image_edge, "width": shape.image_edge},
        image_seq_length=shape.tokens_per_image,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    processor = Gemma3Processor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        chat_template=CHAT_TEMPLATE,
        image_seq_length=shape.tokens_per_image,
    )
    processor.save_pretrained(folder)
    build_model(shape, spread).save_pretrained(folder)


def build_tokenizer(shape: TinyShape) -> PreTrainedTokenizerFast:
    """Bytes as tokens, a few whole words, and Gemma's control tokens."""
    tokenizer = byte_tokenizer(CONTROL_TOKENS, unknown="<unk>")
    # As the real one does, so that a prompt whose template has it already could get it twice.
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", CONTROL_TOKENS.index("<bos>"))]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="left",
        model_max_length=shape.max_positions,
        extra_special_tokens={
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
            "image_token": "<image_soft_token>",
        },
    )
    fast.add_tokens(["<start_of_turn>", "<end_of_turn>"], special_tokens=True)
    return fast


def control_token_ids() -> dict[str, int]:
    """The control tokens come first in the vocabulary, in their order."""
    return {token: index for index, token in enumerate(CONTROL_TOKENS)}


def config_of(shape: TinyShape = TinyShape(), spread: Spread = Spread()) -> Gemma3Config:
    """The model's shapes, which its tokenizer fits."""
    token = control_token_ids()
    ends = [token["<eos>"], token["<end_of_turn>"]]
    text = Gemma3TextConfig(
        vocab_size=len(build_tokenizer(shape)),
        hidden_size=shape.hidden,
        intermediate_size=2 * shape.hidden,
        num_hidden_layers=6,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads // 2,
        head_dim=shape.head_width,
        query_pre_attn_scalar=shape.head_width,
        sliding_window=shape.sliding_window,
        max_position_embeddings=shape.max_positions,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"] * 2,
        pad_token_id=token["<pad>"],
        eos_token_id=token["<eos>"],
        bos_token_id=token["<bos>"],
        initializer_range=spread.weights,
        tie_word_embeddings=False,
    )
    vision = SiglipVisionConfig(
        hidden_size=shape.hidden // 2,
        intermediate_size=shape.hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=shape.image_edge,
        patch_size=shape.patch_edge,
        vision_use_head=False,
    )
    return Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=shape.tokens_per_image,
        boi_token_index=token["<start_of_image>"],
        eoi_token_index=token["<end_of_image>"],
        image_token_index=token["<image_soft_token>"],
        eos_token_id=ends,
        initializer_range=spread.weights,
        tie_word_embeddings=False,
    )


def build_model(shape: TinyShape, spread: Spread) -> Gemma3ForConditionalGeneration:
    """The model with its random weights, in float32."""
    config = config_of(shape, spread)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        model = Gemma3ForConditionalGeneration(config)
        _spread_weights(model, spread)
    text = config.text_config
    model.generation_config = GenerationConfig(
        bos_token_id=text.bos_token_id,
        pad_token_id=text.pad_token_id,
        eos_token_id=config.eos_token_id,
        do_sample=False,
    )
    return model


@torch.no_grad()
def _spread_weights(model: Gemma3ForConditionalGeneration, spread: Spread) -> None:
    # Zero by default, which makes every picture the same.
    model.model.multi_modal_projector.mm_input_projection_weight.normal_(0, spread.projector)
    # Small, else the last token alone decides and the output is one word for ever.
    model.get_input_embeddings().weight.normal_(0, spread.embeddings)
    model.lm_head.weight.normal_(0, spread.head)
    for name, weights in model.named_parameters():
        if "vision_tower" in name and weights.dim() > 1:
            weights.normal_(0, spread.weights)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
