"""The model, its tokenizer and its image processor, where the settings want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    Qwen2_5_VLForConditionalGeneration,
)

from serving.placement import Placement, placement_of

from .chat_template import CHAT_TEMPLATE
from .settings import Settings


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to run, and what turns chats and pictures into its input."""

    model: Qwen2_5_VLForConditionalGeneration
    tokenizer: Any
    image_processor: Any
    """A ``Qwen2VLImageProcessorPil``; transformers gives neither a useful type."""


def load(settings: Settings, placement: Placement | None = None) -> Loaded:
    """Loads all, where the settings want them unless told otherwise.

    Not by way of ``AutoProcessor``: Qwen's brings a video processor, which needs torchvision.
    """
    where = placement or placement_of(settings)
    source = {
        "pretrained_model_name_or_path": settings.model_id,
        "revision": settings.model_revision or None,
    }
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        **source, dtype=where.dtype, attn_implementation=settings.attention
    )
    model.to(where.device).eval()
    tokenizer = AutoTokenizer.from_pretrained(**source)
    if tokenizer.chat_template is None:
        # Older checkpoints keep it in a file of the processor, which is not loaded here.
        tokenizer.chat_template = CHAT_TEMPLATE
    image_processor = AutoImageProcessor.from_pretrained(**source, backend="pil")
    return Loaded(model, tokenizer, image_processor)
