from __future__ import annotations

import urllib.request

import pytest

from serving.arguments import BadArgument
from serving.structured import JsonShape, NotValidJson


def test_read_takes_json_with_and_without_a_fence() -> None:
    shape = JsonShape({"type": "array", "items": {"type": "integer"}})
    assert shape.read(" [1, 2] ") == [1, 2]
    assert shape.read("```\n[1]\n```") == [1]


@pytest.mark.parametrize("text", ["", "yes", "[1] and so on", "[NaN]", "[" * 100_000, '["1"]'])
def test_read_refuses_all_else(text: str) -> None:
    with pytest.raises(NotValidJson):
        JsonShape({"type": "array", "items": {"type": "integer"}}).read(text)


def test_read_refuses_what_python_alone_takes_for_json() -> None:
    with pytest.raises(NotValidJson, match="NaN"):
        JsonShape({}).read('{"steps": NaN}')


def test_read_says_where_and_what() -> None:
    shape = JsonShape({"properties": {"steps": {"type": "integer"}}})
    with pytest.raises(NotValidJson, match=r"\$\.steps: 'three' is not of type 'integer'"):
        shape.read('{"steps": "three"}')


def test_a_reference_to_elsewhere_is_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[object] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda *given: fetched.append(given))
    with pytest.raises(BadArgument, match="schema must be complete"):
        JsonShape({"$ref": "http://127.0.0.1/schema.json"}).read("1")
    assert fetched == []
