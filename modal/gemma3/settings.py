"""Every ``GEMMA3_*`` knob: its name, its default, what it may be. Nothing else knows the names.

A field ``max_batch`` is the variable ``GEMMA3_MAX_BATCH``. Empty means unset. A name that no field
has is refused too: a misspelt knob that silently does nothing costs more than a failed deploy.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

PREFIX = "GEMMA3_"

Value = TypeVar("Value")


class SettingsError(ValueError):
    """A variable that cannot be used: its name, what it must be and what it is."""


@dataclass(frozen=True)
class Kind(Generic[Value]):
    """How a variable is read: ``parse`` raises ValueError for what is not ``must_be``."""

    must_be: str
    parse: Callable[[str], Value]


def whole(least: int, most: int) -> Kind[int]:
    """A whole number within bounds, both included."""

    def parse(text: str) -> int:
        return _within(int(text), least, most)

    return Kind(f"a whole number from {least} to {most}", parse)


def real(least: float, most: float) -> Kind[float]:
    """A finite number within bounds, both included."""

    def parse(text: str) -> float:
        return _within(float(text), least, most)

    return Kind(f"a number from {least:g} to {most:g}", parse)


def one_of(*words: str) -> Kind[str]:
    """One of a few words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return Kind(f"one of {', '.join(words)}", parse)


def text(most_chars: int = 200) -> Kind[str]:
    """Printable text without line breaks."""

    def parse(value: str) -> str:
        if len(value) > most_chars or not value.isprintable():
            raise ValueError
        return value

    return Kind(f"printable text of at most {most_chars} characters", parse)


SWITCH: Kind[bool] = Kind("on or off", lambda value: {"on": True, "off": False}[value])


def knob(default: Value, kind: Kind[Value]) -> Any:
    """A field that comes from the environment."""
    return dataclasses.field(default=default, metadata={"kind": kind})


@dataclass(frozen=True)
class Settings:
    """All settings. Read them with :func:`read_settings`; tests build them directly."""

    # The model.
    model_id: str = knob("google/gemma-3-4b-it", text())
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
    max_questions: int = knob(16, whole(0, 256))
    max_text_chars: int = knob(8_000, whole(100, 200_000))
    """Longest prompt, question, earlier caption or message."""
    max_prompt_tokens: int = knob(8_192, whole(64, 131_072))
    """Longest prompt in tokens, images included."""

    # Batches.
    batch_window_ms: int = knob(8, whole(0, 1_000))
    """A request that finds the model idle waits this long for others."""
    max_batch: int = knob(16, whole(1, 256))
    max_waiting: int = knob(256, whole(1, 10_000))
    """Requests that may wait; one more is refused."""
    vision_batch: int = knob(24, whole(1, 512))
    """Frames that the vision encoder takes at once."""

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
    """Modal secret with ``HF_TOKEN``; the weights are gated. Empty for none."""
    volume_name: str = knob("foresight-gemma3-weights", text())

    def __post_init__(self) -> None:
        if self.target_inputs > self.concurrent_inputs:
            raise SettingsError(
                f"Cannot start as {PREFIX}TARGET_INPUTS must be at most {PREFIX}CONCURRENT_INPUTS "
                f"({self.concurrent_inputs}): current value is {self.target_inputs}"
            )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads all knobs, of which any may be missing. Raises :class:`SettingsError`."""
    fields = {variable(field.name): field for field in dataclasses.fields(Settings)}
    values: dict[str, Any] = {}
    for name, value in given(environment).items():
        if name not in fields:
            raise SettingsError(_unknown(name, list(fields)))
        field = fields[name]
        values[field.name] = _read(name, value, field.metadata["kind"])
    return Settings(**values)


def given(environment: Mapping[str, str]) -> dict[str, str]:
    """The knobs that are set, as they must reach the container."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value.strip() != ""
    }


def variable(field_name: str) -> str:
    """The name of a field's variable."""
    return PREFIX + field_name.upper()


def _read(name: str, value: str, kind: Kind[Value]) -> Value:
    try:
        return kind.parse(value.strip())
    except (ValueError, KeyError) as error:
        raise SettingsError(
            f"Cannot start as {name} must be {kind.must_be}: current value is {value!r}"
        ) from error


def _unknown(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"Cannot start as {name} must be a known setting{hint}: current value is set"


Number = TypeVar("Number", int, float)


def _within(number: Number, least: Number, most: Number) -> Number:
    if not math.isfinite(number) or not least <= number <= most:
        raise ValueError
    return number
