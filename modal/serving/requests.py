"""What a call of each method asks, all its arguments read at once (WIRE M)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .arguments import (
    BadArgument,
    Condition,
    read_conditions,
    read_count,
    read_frames,
    read_history,
    read_messages,
    read_seconds,
    read_text,
)
from .settings import ServingSettings

MAX_MESSAGES = 63


@dataclass(frozen=True)
class AskedChunk:
    """A call of ``infer_chunk``."""

    frames: list[bytes]
    start_s: float
    end_s: float
    prompt: str
    history: list[str]
    session_id: str
    conditions: list[Condition]
    model: str

    def described(
        self, caption: str, latency_ms: int, tokens_generated: int, **more: Any
    ) -> dict[str, Any]:
        """What the caller gets."""
        return {
            "caption": caption,
            "latency_ms": latency_ms,
            "tokens_generated": tokens_generated,
            "chunk_start_s": self.start_s,
            "chunk_end_s": self.end_s,
            "model": self.model,
            **more,
        }


@dataclass(frozen=True)
class AskedQuestion:
    """A call of ``answer``."""

    frames: list[bytes]
    question: str
    history: list[str]


@dataclass(frozen=True)
class AskedWords:
    """A call of ``generate``."""

    turns: list[tuple[str, str]]
    max_tokens: int


def read_chunk(
    limits: ServingSettings,
    frames: object,
    start_ts_s: object,
    end_ts_s: object,
    prompt: object,
    history: object,
    session_id: object,
    questions: object,
    *,
    newest: int,
) -> AskedChunk:
    """Reads a call of ``infer_chunk``, with the ``newest`` captions of its history."""
    chars = limits.max_text_chars
    return AskedChunk(
        frames=read_frames(frames, limits.max_frames_received),
        start_s=read_seconds("start_ts_s", start_ts_s),
        end_s=read_seconds("end_ts_s", end_ts_s),
        prompt=read_text("prompt", prompt, chars),
        history=read_history(history, newest, chars),
        session_id=read_text("session_id", session_id, chars),
        conditions=read_conditions(questions, limits.max_questions, chars),
        model=limits.model_id,
    )


def read_question(
    limits: ServingSettings, frames: object, question: object, history: object
) -> AskedQuestion:
    """Reads a call of ``answer``, which needs a frame."""
    asked = AskedQuestion(
        frames=read_frames(frames, limits.max_frames_received),
        question=read_text("question", question, limits.max_text_chars),
        history=read_history(history, limits.max_history, limits.max_text_chars),
    )
    if not asked.frames:
        raise BadArgument("Cannot answer as frames must be at least one: current value is none")
    return asked


def read_words(limits: ServingSettings, messages: object, max_tokens: object) -> AskedWords:
    """Reads a call of ``generate``, but for its schema."""
    most = limits.max_answer_tokens
    return AskedWords(
        turns=read_messages(messages, MAX_MESSAGES, limits.max_text_chars),
        max_tokens=most if max_tokens is None else read_count("max_tokens", max_tokens, most),
    )
