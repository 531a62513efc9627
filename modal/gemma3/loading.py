"""The model and its processor, from a folder or from Hugging Face, where the settings want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import AutoProcessor, Gemma3ForConditionalGeneration

from serving.placement import Placement, placement_of

from .attention import register_grouped_sdpa
from .settings import Settings


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to run, and what turns chats and pictures into its input."""

    model: Gemma3ForConditionalGeneration
    processor: Any
    """A ``Gemma3Processor``; transformers gives it no useful type."""


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
