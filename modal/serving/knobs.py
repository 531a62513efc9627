"""Settings from the environment: a frozen dataclass whose fields say what they may be.

A field ``max_batch`` of a class read with the prefix ``GEMMA3_`` is the variable
``GEMMA3_MAX_BATCH``. Empty means unset. A name with the prefix that no field has is refused too: a
misspelt knob that silently does nothing costs more than a failed deploy.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")
SettingsClass = TypeVar("SettingsClass")


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


def read(
    settings: type[SettingsClass], prefix: str, environment: Mapping[str, str]
) -> SettingsClass:
    """Reads all knobs, of which any may be missing. Raises :class:`SettingsError`."""
    fields = {variable(prefix, field.name): field for field in dataclasses.fields(settings)}
    values: dict[str, Any] = {}
    for name, value in given(prefix, environment).items():
        if name not in fields:
            raise SettingsError(_unknown(name, list(fields)))
        field = fields[name]
        values[field.name] = _read_one(name, value, field.metadata["kind"])
    return settings(**values)


def given(prefix: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The knobs that are set, as they must reach the container."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(prefix) and value.strip() != ""
    }


def variable(prefix: str, field_name: str) -> str:
    """The name of a field's variable."""
    return prefix + field_name.upper()


def _read_one(name: str, value: str, kind: Kind[Value]) -> Value:
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
