"""Models to measure, with random weights: nothing is downloaded, and speed does not ask for sense.

``full`` has the shapes of google/gemma-3-4b-it (its published config.json); ``tiny`` is the one
that the tests use.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy
import torch
from PIL import Image
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    Gemma3TextConfig,
    GenerationConfig,
    SiglipVisionConfig,
)

import tiny_gemma3
from gemma3.attention import GROUPED_SDPA, register_grouped_sdpa
from gemma3.loading import Loaded
from serving.placement import Placement

TEXT_LAYERS = 34
FULL_ATTENTION_EVERY = 6


@dataclass(frozen=True)
class Subject:
    """A model, and the frames that suit it."""

    name: str
    loaded: Loaded
    frame_edge: int
    """Pixels."""


def subject_of(name: str, where: Placement) -> Subject:
    """``full`` or ``tiny``, where it is to run."""
    config = full_config() if name == "full" else tiny_gemma3.config_of()
    edge = config.vision_config.image_size
    return Subject(name, Loaded(_model(config, where), _processor(config)), edge)


def full_config() -> Gemma3Config:
    """The shapes of the 4B model."""
    kinds = ["sliding_attention"] * (FULL_ATTENTION_EVERY - 1) + ["full_attention"]
    text = Gemma3TextConfig(
        hidden_size=2560,
        intermediate_size=10240,
        num_hidden_layers=TEXT_LAYERS,
        layer_types=[kinds[layer % FULL_ATTENTION_EVERY] for layer in range(TEXT_LAYERS)],
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=256,
        sliding_window=1024,
    )
    vision = SiglipVisionConfig(
        hidden_size=1152,
        intermediate_size=4304,
        num_hidden_layers=27,
        num_attention_heads=16,
        image_size=896,
        patch_size=14,
        vision_use_head=False,
    )
    control = tiny_gemma3.control_token_ids()
    return Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=256,
        boi_token_index=control["<start_of_image>"],
        eoi_token_index=control["<end_of_image>"],
        image_token_index=control["<image_soft_token>"],
    )


def frames_of(subject: Subject, count: int, seed: int) -> list[bytes]:
    """JPEGs of the size that the model looks at: soft blots, as large as a camera's."""
    numbers = numpy.random.default_rng(seed)
    frames = []
    for _ in range(count):
        blots = numbers.integers(0, 256, (24, 24, 3), dtype=numpy.uint8)
        picture = Image.fromarray(blots).resize(
            (subject.frame_edge, subject.frame_edge), Image.Resampling.BICUBIC
        )
        target = BytesIO()
        picture.save(target, "JPEG", quality=80)
        frames.append(target.getvalue())
    return frames


def _model(config: Gemma3Config, where: Placement) -> Gemma3ForConditionalGeneration:
    register_grouped_sdpa()
    usual = torch.get_default_dtype()
    torch.set_default_dtype(where.dtype)
    try:
        with where.device:
            model = Gemma3ForConditionalGeneration._from_config(
                config, attn_implementation={"text_config": GROUPED_SDPA, "vision_config": "sdpa"}
            )
    finally:
        torch.set_default_dtype(usual)
    pad = tiny_gemma3.control_token_ids()["<pad>"]
    # Without a token that ends it, every answer is as long as it may be.
    model.generation_config = GenerationConfig(eos_token_id=None, pad_token_id=pad)
    return model.eval()


def _processor(config: Gemma3Config) -> Gemma3Processor:
    edge, tokens = config.vision_config.image_size, config.mm_tokens_per_image
    return Gemma3Processor(
        image_processor=Gemma3ImageProcessorPil(
            size={"height": edge, "width": edge},
            image_seq_length=tokens,
            image_mean=[0.5] * 3,
            image_std=[0.5] * 3,
        ),
        tokenizer=tiny_gemma3.build_tokenizer(tiny_gemma3.TinyShape()),
        chat_template=tiny_gemma3.CHAT_TEMPLATE,
        image_seq_length=tokens,
    )
