"""What callers hand over, read with suspicion: it came over a network, from any edge version.

Numbers may be whole where a fraction was meant (CBOR from JavaScript), texts may be long. Each
function returns what it was given in the shape that the service works with, or raises
:class:`BadArgument`, which names the argument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROLES = ("user", "assistant")


class BadArgument(ValueError):
    """An argument that cannot be used."""


@dataclass(frozen=True)
class Condition:
    """A yes/no question about a chunk."""

    id: str
    text: str


def read_frames(value: object, most: int) -> list[bytes]:
    """Encoded pictures, oldest first."""
    frames = _list("frames", value, most)
    for index, frame in enumerate(frames):
        if not isinstance(frame, (bytes, bytearray, memoryview)):
            raise _bad(f"frames[{index}]", "bytes", type(frame).__name__)
    return [bytes(frame) for frame in frames]


def read_seconds(name: str, value: object) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _bad(name, "a finite number of seconds", repr(value)[:80])
    return value


def read_text(name: str, value: object, most_chars: int) -> str:
    """A text of bounded length."""
    if not isinstance(value, str):
        raise _bad(name, "a text", type(value).__name__)
    if len(value) > most_chars:
        raise _bad(name, f"at most {most_chars} characters", str(len(value)))
    return value


def read_history(value: object, newest: int, most_chars: int) -> list[str]:
    """The newest earlier captions, oldest first. An empty list may come as None."""
    history = [] if value is None else _list("history", value, None)
    kept = history[len(history) - newest :] if newest < len(history) else history
    return [read_text("history", caption, most_chars) for caption in kept]


def read_conditions(value: object, most: int, most_chars: int) -> list[Condition]:
    """Conditions as ``[{"id", "text"}]``, each id once."""
    conditions = []
    for index, item in enumerate([] if value is None else _list("questions", value, most)):
        name = f"questions[{index}]"
        if not isinstance(item, Mapping):
            raise _bad(name, "an object with id and text", type(item).__name__)
        identity = read_text(f"{name}.id", item.get("id"), most_chars)
        conditions.append(
            Condition(identity, read_text(f"{name}.text", item.get("text"), most_chars))
        )
    if len({condition.id for condition in conditions}) != len(conditions):
        raise _bad("questions", "of different ids", "an id that comes twice")
    return conditions


def read_messages(value: object, most: int, most_chars: int) -> list[tuple[str, str]]:
    """A chat as ``[{"role", "content"}]``: roles in turn, the user first and last."""
    turns = []
    for index, item in enumerate(_list("messages", value, most)):
        if not isinstance(item, Mapping):
            raise _bad(f"messages[{index}]", "an object with role and content", type(item).__name__)
        content = read_text(f"messages[{index}].content", item.get("content"), most_chars)
        turns.append((item.get("role"), content))
    roles = [role for role, _ in turns]
    expected = [ROLES[index % len(ROLES)] for index in range(len(roles))]
    if roles != expected or len(roles) % len(ROLES) == 0:
        raise _bad("messages", "user and assistant in turn, user first and last", str(roles)[:200])
    return turns


def read_count(name: str, value: object, most: int) -> int:
    """A whole number from 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise _bad(name, f"a whole number from 1 to {most}", repr(value)[:80])
    return value


def _list(name: str, value: object, most: int | None) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise _bad(name, "a list", type(value).__name__)
    if most is not None and len(value) > most:
        raise _bad(name, f"at most {most} long", str(len(value)))
    return value


def _bad(name: str, must_be: str, current: str) -> BadArgument:
    return BadArgument(f"Cannot answer as {name} must be {must_be}: current value is {current}")
