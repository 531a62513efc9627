"""The knobs that every model class has. A class adds its own, and gives them all its prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .knobs import SWITCH, SettingsError, knob, one_of, real, text, whole


@dataclass(frozen=True)
class ServingSettings:
    """Where the model comes from, what it may be shown and asked, and how its container runs."""

    prefix: ClassVar[str] = ""
    """How the names of the variables begin; given by the class that inherits."""

    # The model.
    model_id: str = knob("", text())
    """Name on Hugging Face, or a folder."""
    model_revision: str = knob("", text())
    """Commit or branch; empty takes the newest."""
    device: str = knob("auto", one_of("auto", "cpu", "cuda"))
    """``auto`` is CUDA where there is one."""
    dtype: str = knob("auto", one_of("auto", "float32", "bfloat16"))
    """``auto`` is bfloat16 on CUDA, float32 on a CPU."""
    attention: str = knob("sdpa", one_of("sdpa", "flash_attention_2", "eager"))

    # Frames.
    max_frames_per_chunk: int = knob(6, whole(1, 64))
    max_frame_edge: int = knob(896, whole(28, 4096))
    """Longest edge in pixels after decoding."""
    max_frame_pixels: int = knob(50_000_000, whole(1_000, 500_000_000))
    """A picture that says it is larger is not decoded."""
    max_frame_bytes: int = knob(16_777_216, whole(1_000, 268_435_456))
    max_frames_received: int = knob(256, whole(1, 4096))
    """A call with more frames is refused."""
    max_body_bytes: int = knob(67_108_864, whole(1_000, 1_073_741_824))
    """A longer request to the HTTPS endpoint is refused."""
    decode_threads: int = knob(4, whole(1, 64))

    # What is asked, and how much is said.
    max_new_tokens: int = knob(64, whole(1, 1024))
    max_answer_tokens: int = knob(256, whole(1, 4096))
    """Most tokens of ``answer`` and ``generate``."""
    temperature: float = knob(0.0, real(0.0, 2.0))
    """0 takes the most probable token each time."""
    top_p: float = knob(1.0, real(0.01, 1.0))
    max_history: int = knob(4, whole(0, 64))
    """Newest earlier captions that the model is told of."""
    max_questions: int = knob(20, whole(0, 256))
    """Conditions of one chunk: a wearer has at most 20 active rules, and each is one."""
    max_text_chars: int = knob(8_000, whole(100, 200_000))
    """Longest prompt, question, earlier caption or message."""
    max_prompt_tokens: int = knob(8_192, whole(64, 131_072))
    """Longest prompt in tokens, images included."""
    max_waiting: int = knob(256, whole(1, 10_000))
    """Requests that may wait; one more is refused."""

    # The container.
    gpu: str = knob("L40S", text())
    concurrent_inputs: int = knob(32, whole(1, 1_000))
    target_inputs: int = knob(16, whole(1, 1_000))
    min_containers: int = knob(0, whole(0, 1_000))
    max_containers: int = knob(0, whole(0, 1_000))
    """0 means no limit."""
    scaledown_window_seconds: int = knob(300, whole(2, 1_200))
    timeout_seconds: int = knob(120, whole(1, 86_400))
    startup_timeout_seconds: int = knob(1_200, whole(1, 86_400))
    memory_snapshot: bool = knob(True, SWITCH)
    gpu_snapshot: bool = knob(True, SWITCH)
    hf_secret_name: str = knob("", text())
    """Modal secret with ``HF_TOKEN``, for gated weights. Empty for none."""
    volume_name: str = knob("", text())
    """Where the weights are kept between containers."""

    def __post_init__(self) -> None:
        if self.target_inputs > self.concurrent_inputs:
            raise SettingsError(
                f"Cannot start as {self.prefix}TARGET_INPUTS must be at most "
                f"{self.prefix}CONCURRENT_INPUTS ({self.concurrent_inputs}): "
                f"current value is {self.target_inputs}"
            )
