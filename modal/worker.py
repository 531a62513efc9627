"""Hosts the deployed class in a process of its own: ``python modal/worker.py --model tiny|PATH``.

Speaks lines of JSON on its standard streams, so that the stand-in for Modal can put the real class
behind its gRPC:

- out, once: ``{"ready": true}``
- in: ``{"id": 1, "method": "infer_chunk", "args": {...}}``, frames as base64;
  ``{"id": 1, "cancel": true}``
- out: ``{"id": 1, "result": ...}`` or ``{"id": 1, "error": {"name": ..., "message": ...}}``

It ends when its input does.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

from gemma3.session import Gemma3Session

METHODS = ("infer_chunk", "answer", "generate", "close")
TINY = "tiny"
MAX_LINE_BYTES = 256 * 1024 * 1024


class Worker:
    """One class, any number of calls at once."""

    def __init__(self, session: Gemma3Session, out: TextIO) -> None:
        self._session = session
        self._out = out
        self._running: dict[int, asyncio.Task[None]] = {}

    async def serve(self, lines: asyncio.StreamReader) -> None:
        """Answers calls until there are no more; gives up those that run then."""
        self.say({"ready": True})
        while line := await lines.readline():
            request = json.loads(line)
            number = request["id"]
            if request.get("cancel"):
                if running := self._running.get(number):
                    running.cancel()
                continue
            task = asyncio.create_task(self._answer(number, request["method"], request["args"]))
            self._running[number] = task
            task.add_done_callback(lambda _, number=number: self._running.pop(number, None))
        for running in list(self._running.values()):
            running.cancel()

    def say(self, message: dict[str, Any]) -> None:
        """One line out."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    async def _answer(self, number: int, method: str, args: dict[str, Any]) -> None:
        try:
            if method not in METHODS:
                raise AttributeError(f"the class has no method {method}")
            if "frames" in args:
                args["frames"] = [base64.b64decode(frame) for frame in args["frames"]]
            self.say({"id": number, "result": await getattr(self._session, method)(**args)})
        except asyncio.CancelledError:
            self.say({"id": number, "error": {"name": "CancelledError", "message": "given up"}})
        except Exception as error:  # whatever the class raises is the caller's to hear
            described = {"name": type(error).__name__, "message": str(error)}
            self.say({"id": number, "error": described})


async def main(model: str, out: TextIO) -> None:
    """Loads the class as Modal would, and serves it."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["GEMMA3_MODEL_ID"] = build_tiny(Path(scratch)) if model == TINY else model
        session = Gemma3Session()
        session.load()
        session.wake()
        lines = asyncio.StreamReader(limit=MAX_LINE_BYTES)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        await Worker(session, out).serve(lines)
        await session.stop()


def build_tiny(folder: Path) -> str:
    """A Gemma 3 with random weights: nonsense words, but the true way to them."""
    import tiny_gemma3

    tiny_gemma3.build(folder)
    os.environ.setdefault("GEMMA3_DEVICE", "cpu")
    os.environ.setdefault("GEMMA3_MAX_NEW_TOKENS", "16")
    return str(folder)


def own_stdout() -> TextIO:
    """Standard output for our lines alone: what libraries print goes to standard error."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="tiny, a folder, or a name on Hugging Face")
    asyncio.run(main(parser.parse_args().model, own_stdout()))
