"""The class hosted in a process of its own, spoken to as the stand-in for Modal does."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WORKER = Path(__file__).parents[3] / "modal" / "worker.py"


class Process:
    """A worker, and the lines to and from it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), "--model", "tiny"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, message: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        return json.loads(self._process.stdout.readline())

    def leave(self) -> int:
        self._process.stdin.close()
        rest = self._process.stdout.read()
        assert rest == "", "nothing but answers is written to standard output"
        return self._process.wait(30)


@pytest.fixture(scope="module")
def worker() -> Iterator[Process]:
    process = Process()
    assert process.hear() == {"ready": True}
    yield process
    assert process.leave() == 0


def chunk(*frames: bytes) -> dict[str, Any]:
    return {
        "frames": [base64.b64encode(frame).decode() for frame in frames],
        "start_ts_s": 0,
        "end_ts_s": 1,
        "prompt": "What?",
        "history": [],
        "session_id": "s",
    }


def test_a_jpeg_becomes_a_sentence_m1(worker: Process, jpeg: Callable[[int], bytes]) -> None:
    worker.say({"id": 1, "method": "infer_chunk", "args": chunk(jpeg(1), jpeg(2))})
    heard = worker.hear()
    assert heard["id"] == 1
    assert heard["result"]["caption"] != ""
    assert heard["result"]["chunk_end_s"] == 1


def test_questions_are_answered_beside_the_sentence_m10(
    worker: Process, jpeg: Callable[[int], bytes]
) -> None:
    texts = {"a.1": 'Can this be seen: "it is dark"?', "b.7": 'Can this be seen: "a dog"?'}
    questions = [{"id": identity, "text": text} for identity, text in texts.items()]
    worker.say(
        {"id": 4, "method": "infer_chunk", "args": {**chunk(jpeg(1)), "questions": questions}}
    )
    result = worker.hear()["result"]
    assert result["caption"] != ""
    assert [one["id"] for one in result["answers"]] == list(texts)
    assert all(0.5 <= one["confidence"] <= 1 for one in result["answers"])


def test_what_the_class_raises_is_told_by_name_m2(worker: Process) -> None:
    worker.say({"id": 2, "method": "infer_chunk", "args": chunk(b"no picture")})
    heard = worker.hear()
    assert heard["id"] == 2
    assert heard["error"]["name"] != ""
    assert "must be a JPEG" in heard["error"]["message"]


def test_methods_that_are_not_the_contracts_cannot_be_called(worker: Process) -> None:
    worker.say({"id": 3, "method": "load", "args": {}})
    assert worker.hear()["error"]["name"] == "AttributeError"


def test_a_call_that_is_given_up_ends_and_its_neighbour_does_not(
    worker: Process, jpeg: Callable[[int], bytes]
) -> None:
    worker.say({"id": 4, "method": "infer_chunk", "args": chunk(jpeg(1))})
    worker.say({"id": 5, "method": "infer_chunk", "args": chunk(jpeg(2))})
    worker.say({"id": 4, "cancel": True})
    heard = {line["id"]: line for line in (worker.hear(), worker.hear())}
    assert heard[4]["error"]["name"] == "CancelledError"
    assert heard[5]["result"]["caption"] != ""
