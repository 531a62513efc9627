"""What the model is told, as chat messages. Images first, so that questions can share them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

SENTENCE_RULE = (
    "Answer with one concise present-tense sentence about what is visible in the newest frame, "
    "and nothing else."
)
STALE_HISTORY = (
    "Captions of earlier moments, oldest first. They may be stale or wrong; "
    "where they differ from the frames, trust the frames:"
)
YES_NO_RULE = "Judging only by these frames, is this true? Answer with yes or no."


class Message(TypedDict):
    """One turn, in the form that chat templates take."""

    role: str
    content: list[dict[str, Any]]


def caption_text(prompt: str, history: Sequence[str]) -> str:
    """The words of a caption request; ``history`` oldest first."""
    return "\n\n".join([*_history_block(history), prompt, SENTENCE_RULE])


def question_text(condition: str) -> str:
    """The words of a yes/no condition."""
    return f"{condition}\n\n{YES_NO_RULE}"


def free_question_text(question: str, history: Sequence[str]) -> str:
    """The words of a question that is answered in words."""
    return "\n\n".join([*_history_block(history), question])


def about_images(count: int, text: str) -> list[Message]:
    """One user turn: ``count`` images, oldest first, then the words."""
    images: list[dict[str, Any]] = [{"type": "image"} for _ in range(count)]
    return [{"role": "user", "content": [*images, {"type": "text", "text": text}]}]


def _history_block(history: Sequence[str]) -> list[str]:
    captions = [caption.strip() for caption in history if caption.strip()]
    return (
        ["\n".join([STALE_HISTORY, *(f"- {caption}" for caption in captions)])] if captions else []
    )
