"""Every ``GEMMA3_*`` knob: its name, its default, what it may be. Nothing else knows the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from serving.knobs import knob, one_of, read, text, whole
from serving.settings import ServingSettings

PREFIX = "GEMMA3_"


@dataclass(frozen=True)
class Settings(ServingSettings):
    """All settings. Read them with :func:`read_settings`; tests build them directly."""

    prefix: ClassVar[str] = PREFIX
    model_id: str = knob("google/gemma-3-4b-it", text())
    """Name on Hugging Face, or a folder. The weights are gated: see ``hf_secret_name``."""
    volume_name: str = knob("foresight-gemma3-weights", text())
    attention: str = knob("grouped_sdpa", one_of("grouped_sdpa", "sdpa", "eager"))
    """Of the language model. FlashAttention cannot look both ways within a picture."""
    compile: str = knob("auto", one_of("auto", "on", "off"))
    """Whether the step that makes a word is compiled; ``auto`` does so on a GPU."""

    # Batches.
    batch_window_ms: int = knob(8, whole(0, 1_000))
    """A request that finds the model idle waits this long for others."""
    max_batch: int = knob(16, whole(1, 256))
    vision_batch: int = knob(24, whole(1, 512))
    """Frames that the vision encoder takes at once."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads all knobs, of which any may be missing. Raises :class:`SettingsError`."""
    return read(Settings, PREFIX, environment)
