"""Every ``STREAMINGVLM_*`` knob. Nothing else knows the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from serving.knobs import SettingsError, knob, read, real, text, whole
from serving.settings import ServingSettings

PREFIX = "STREAMINGVLM_"


@dataclass(frozen=True)
class Settings(ServingSettings):
    """All settings. Read them with :func:`read_settings`; tests build them directly."""

    prefix: ClassVar[str] = PREFIX
    model_id: str = knob("mit-han-lab/StreamingVLM", text())
    """Name on Hugging Face, or a folder."""
    volume_name: str = knob("foresight-streamingvlm-weights", text())

    # Less per chunk than Gemma 3 is shown, as earlier chunks stay in sight.
    max_frames_per_chunk: int = knob(4, whole(1, 64))
    max_frame_edge: int = knob(448, whole(28, 4096))
    """Longest edge in pixels after decoding; a square of 28 pixels is a token."""

    # Requests run one after the other, so memory bandwidth decides, and few inputs at once do.
    gpu: str = knob("A100-80GB", text())
    concurrent_inputs: int = knob(8, whole(1, 1_000))
    target_inputs: int = knob(4, whole(1, 1_000))

    # What is remembered of streams.
    max_sessions: int = knob(32, whole(0, 10_000))
    """Streams whose conversation is kept; 0 keeps none."""
    max_session_tokens: int = knob(8_192, whole(64, 131_072))
    """A conversation that would get longer starts afresh from its captions."""
    max_kept_tokens: int = knob(262_144, whole(64, 16_777_216))
    """Of all kept conversations; a token of the 7B model takes 56 KiB in bfloat16."""
    max_gap_seconds: float = knob(2.0, real(0.0, 60.0))
    """Time between two chunks from which on the second no longer continues the first."""
    session_idle_seconds: float = knob(300.0, real(1.0, 86_400.0))
    """A conversation that nobody continues for so long is forgotten."""
    question_batch: int = knob(4, whole(1, 256))
    """Questions that are answered side by side, each with a copy of the conversation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_session_tokens > self.max_kept_tokens:
            raise SettingsError(
                f"Cannot start as {PREFIX}MAX_SESSION_TOKENS must be at most "
                f"{PREFIX}MAX_KEPT_TOKENS ({self.max_kept_tokens}): "
                f"current value is {self.max_session_tokens}"
            )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads all knobs, of which any may be missing. Raises :class:`SettingsError`."""
    return read(Settings, PREFIX, environment)
