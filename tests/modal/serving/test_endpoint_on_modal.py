"""The endpoint inside what Modal's SDK wraps around an ASGI application in a container.

The wrapper is the SDK's own (1.6.4, pinned); what Modal's servers would send it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import cbor2
import pytest
from modal._runtime import asgi

from serving.endpoint import create_endpoint

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "https",
    "path": "/wait",
    "query_string": b"",
    "headers": [(b"content-type", b"application/cbor")],
}


class Container:
    """A served method that waits to be let go, in a container of the SDK's making."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        self.cancelled = False
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent.put_nowait({"type": "http.request", "body": cbor2.dumps({}), "more_body": False})
        self.app = create_endpoint([self.wait], max_body_bytes=1_000)
        manager = SimpleNamespace(get_data_in=SimpleNamespace(aio=self.messages))
        self.run, self.lifespan = asgi.asgi_app_wrapper(self.app, manager)

    async def wait(self) -> str:
        self.began.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "done"

    async def messages(self, *_: object) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await self.sent.get()

    async def answer(self) -> list[dict[str, Any]]:
        return [message async for message in self.run({**SCOPE})]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a scenario in a container that has started."""
    monkeypatch.setattr(asgi, "current_function_call_id", lambda: "fc-1")
    monkeypatch.setattr(asgi, "current_attempt_token", lambda: "token")

    def run(scenario: Callable[[Container, asyncio.Task[Any]], Any]) -> Any:
        async def whole() -> Any:
            container = Container()
            lifespan = asyncio.create_task(container.lifespan.background_task())
            async with asyncio.timeout(10):
                await container.lifespan.lifespan_startup()
                answer = asyncio.create_task(container.answer())
                await container.began.wait()
                result = await scenario(container, answer)
                await container.lifespan.lifespan_shutdown()
            await lifespan
            return result

        return asyncio.run(whole())

    return run


def test_a_call_is_answered_while_its_caller_may_still_speak_m5(play: Callable) -> None:
    async def scenario(container: Container, answer: asyncio.Task[Any]) -> list[dict[str, Any]]:
        container.may_end.set()
        return await answer

    start, body = play(scenario)
    assert (start["status"], cbor2.loads(body["body"])) == (200, "done")


def test_a_disconnect_ends_the_call_m7(play: Callable) -> None:
    async def scenario(container: Container, answer: asyncio.Task[Any]) -> bool:
        container.sent.put_nowait({"type": "http.disconnect"})
        await answer
        return container.cancelled

    assert play(scenario)


def test_an_input_that_modal_cancels_ends_the_call_m7(play: Callable) -> None:
    async def scenario(container: Container, answer: asyncio.Task[Any]) -> bool:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
        return container.cancelled

    assert play(scenario)
