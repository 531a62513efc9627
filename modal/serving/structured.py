"""JSON that validates, out of what a model wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry

from .arguments import BadArgument

FENCE = re.compile(r"^```(?:json)?\s*(.*?)\s*```$", re.DOTALL)


class NotValidJson(ValueError):
    """What the model wrote is no JSON, or not of the schema. The text says what is wrong."""


class JsonNotProduced(RuntimeError):
    """The model gave no valid JSON, also when it was told what was wrong."""


class JsonShape:
    """A JSON schema (draft 2020-12) that answers are held against."""

    def __init__(self, schema: object) -> None:
        if not isinstance(schema, dict):
            raise BadArgument(
                "Cannot generate as schema must be an object: "
                f"current value is {type(schema).__name__}"
            )
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise BadArgument(
                f"Cannot generate as schema must be a JSON schema: {error.message}"
            ) from error
        self._schema = schema
        # An empty registry: a `$ref` to somewhere else must not make this container fetch it.
        self._validator = Draft202012Validator(schema, registry=Registry())

    def request(self) -> str:
        """What the model is told about the form of its answer."""
        schema = json.dumps(self._schema, ensure_ascii=False)
        return f"Answer with JSON alone, without any other words, of this JSON schema:\n{schema}"

    def read(self, text: str) -> Any:
        """The JSON in an answer, with or without a fence around it. Raises NotValidJson."""
        body = text.strip()
        fenced = FENCE.match(body)
        try:
            value = json.loads(fenced.group(1) if fenced else body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise NotValidJson(f"it is not JSON: {error}") from error
        try:
            problem = best_match(self._validator.iter_errors(value))
        except Exception as error:  # a schema that refers to what is not there shows only now
            raise BadArgument(f"Cannot generate as schema must be complete: {error}") from error
        if problem is not None:
            raise NotValidJson(f"{problem.json_path}: {problem.message}")
        return value


async def produce_json(
    shape: JsonShape,
    turns: Sequence[tuple[str, str]],
    say: Callable[[Sequence[tuple[str, str]]], Awaitable[str]],
) -> Any:
    """Has a chat continued in JSON, and once more if the first attempt is no good.

    Raises:
        JsonNotProduced: the second is no good either.
    """
    role, words = turns[-1]
    asked = [*turns[:-1], (role, f"{words}\n\n{shape.request()}")]
    first = await say(asked)
    try:
        return shape.read(first)
    except NotValidJson as problem:
        asked = [*asked, ("assistant", first), ("user", repair_request(problem))]
    try:
        return shape.read(await say(asked))
    except NotValidJson as problem:
        raise JsonNotProduced(
            f"Cannot generate as the answer must be valid JSON, in two attempts: {problem}"
        ) from problem


def repair_request(problem: NotValidJson) -> str:
    """What the model is told about an answer that was no good."""
    return f"That was not valid: {problem}. Answer again, with the corrected JSON alone."


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
