"""The model and its processor, from a folder or from Hugging Face, where the settings want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoProcessor, Gemma3ForConditionalGeneration

from .attention import register_grouped_sdpa
from .settings import Settings

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to run, and what turns chats and pictures into its input."""

    model: Gemma3ForConditionalGeneration
    processor: Any
    """A ``Gemma3Processor``; transformers gives it no useful type."""


@dataclass(frozen=True)
class Placement:
    """Where the model is to be, and how exactly it is to calculate."""

    device: torch.device
    dtype: torch.dtype


def placement_of(settings: Settings) -> Placement:
    """What the settings want on this machine."""
    if settings.device == "auto":
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    else:
        device = torch.device(settings.device)
    # CPUs are slow in bfloat16.
    usual = torch.bfloat16 if device.type == "cuda" else torch.float32
    return Placement(device, DTYPES.get(settings.dtype, usual))


def waiting_placement(settings: Settings) -> Placement:
    """In memory, as a GPU will want it: for a snapshot that is taken where no GPU is."""
    return Placement(torch.device("cpu"), DTYPES.get(settings.dtype, torch.bfloat16))


def load(settings: Settings, placement: Placement | None = None) -> Loaded:
    """Loads both, where the settings want them unless told otherwise."""
    register_grouped_sdpa()
    where = placement or placement_of(settings)
    revision = settings.model_revision or None
    model = Gemma3ForConditionalGeneration.from_pretrained(
        settings.model_id,
        revision=revision,
        dtype=where.dtype,
        # Pictures need no mask: there PyTorch takes its own FlashAttention where the GPU has it.
        attn_implementation={"text_config": settings.attention, "vision_config": "sdpa"},
    )
    model.to(where.device).eval()
    # The PIL processor gives the same pixels with and without torchvision, whichever is there.
    processor = AutoProcessor.from_pretrained(settings.model_id, revision=revision, backend="pil")
    return Loaded(model, processor)
