"""The class over HTTP (SPEC M5 to M7): a real server on the loopback, the real service behind."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import cbor2
import httpx2
import pytest
import uvicorn

from gemma3.loading import Loaded
from gemma3.service import Gemma3Service
from gemma3.session import Gemma3Session
from gemma3.settings import Settings

Jpeg = Callable[[int], bytes]
Value = TypeVar("Value")
PROMPT = "Describe what is happening."
CBOR = "application/cbor"


class Caller:
    """A class that is served, and who calls it."""

    def __init__(self, session: Gemma3Session, client: httpx2.AsyncClient) -> None:
        self.session = session
        self.client = client

    async def post(self, method: str, body: Any, media_type: str = CBOR) -> httpx2.Response:
        """Posts bytes as they are, and anything else as CBOR."""
        content = body if isinstance(body, bytes) else cbor2.dumps(body)
        headers = {"content-type": media_type}
        return await self.client.post(f"/{method}", content=content, headers=headers)

    async def infer(self, *frames: bytes, **changes: Any) -> httpx2.Response:
        arguments = {"frames": list(frames), "start_ts_s": 1, "end_ts_s": 2.5, "prompt": PROMPT}
        return await self.post("infer_chunk", {**arguments, **changes})


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """A server on a free port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        running = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@pytest.fixture
def play(loaded: Loaded, settings: Settings) -> Callable[..., Any]:
    """Runs a scenario with a class of its own, over HTTP."""

    def run(scenario: Callable[[Caller], Awaitable[Value]], **changes: object) -> Value:
        async def whole() -> Value:
            session = Gemma3Session()
            session.settings = replace(settings, **{"batch_window_ms": 0, **changes})
            session.service = Gemma3Service(loaded, session.settings, session.retire)
            try:
                async with (
                    serving(session.endpoint()) as url,
                    httpx2.AsyncClient(base_url=url, timeout=30) as client,
                ):
                    return await scenario(Caller(session, client))
            finally:
                await session.stop()

        return asyncio.run(whole())

    return run


def error_of(response: httpx2.Response) -> tuple[int, str, str]:
    assert response.headers["content-type"] == CBOR
    error = cbor2.loads(response.content)["error"]
    return response.status_code, error["name"], error["message"]


def test_a_jpeg_posted_as_cbor_gets_the_caption_of_a_direct_call_m5(
    play: Callable, jpeg: Jpeg
) -> None:
    questions = [{"id": "dog", "text": "a dog"}]

    async def scenario(caller: Caller) -> tuple[httpx2.Response, dict[str, Any]]:
        direct = await caller.session.infer_chunk(
            [jpeg(1), jpeg(2)], 1, 2.5, PROMPT, ["A door."], "s", questions
        )
        posted = await caller.infer(
            jpeg(1), jpeg(2), history=["A door."], session_id="s", questions=questions
        )
        return posted, direct

    posted, direct = play(scenario)
    assert (posted.status_code, posted.headers["content-type"]) == (200, CBOR)
    answer = cbor2.loads(posted.content)
    assert answer["caption"] == direct["caption"] != ""
    assert answer.keys() == direct.keys()
    assert answer["answers"] == direct["answers"]
    assert (answer["chunk_start_s"], answer["chunk_end_s"]) == (1, 2.5)


def test_the_other_methods_are_served_too_m5(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(caller: Caller) -> list[httpx2.Response]:
        turn = [{"role": "user", "content": "hello"}]
        return [
            await caller.post("answer", {"frames": [jpeg(1)], "question": "Who is it?"}),
            await caller.post("generate", {"messages": turn, "max_tokens": 12.0}),
            await caller.infer(),
        ]

    answered, generated, empty = [cbor2.loads(one.content) for one in play(scenario)]
    assert answered["text"] != ""
    assert isinstance(generated, str)
    assert empty["caption"] == ""


@pytest.mark.parametrize(
    ("method", "body", "named"),
    [
        ("infer_chunk", {}, "missing a required argument"),
        (
            "answer",
            {"frames": [], "question": "x", "load": 1},
            "unexpected keyword argument 'load'",
        ),
        ("infer_chunk", [1, 2], "a map of arguments"),
        ("infer_chunk", b"", "plain CBOR"),
        ("infer_chunk", b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", "plain CBOR"),
        ("infer_chunk", b"\x81" * 10_000 + b"\x01", "plain CBOR"),
        ("infer_chunk", b"\xa1\x61a\xd8\x1c\x81\xd8\x1d\x00", "a tag"),
        ("infer_chunk", b"\xa1\x61a\xd8\x23\x63(((", "a tag"),
        ("infer_chunk", b"\xa1\x61a\xd9\x02\x58\x01", "a tag"),
        ("infer_chunk", {1: 2}, ""),
        ("generate", {"messages": "x"}, "messages"),
        ("answer", {"frames": [], "question": "x"}, "frames"),
    ],
)
def test_an_argument_that_cannot_be_used_is_422_m6(
    play: Callable, method: str, body: Any, named: str
) -> None:
    status, name, message = error_of(play(lambda caller: caller.post(method, body)))
    assert (status, name) == (422, "BadArgument")
    assert named in message


def test_what_the_class_refuses_is_422_by_its_name_m6(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(caller: Caller) -> list[httpx2.Response]:
        text_frame = {"frames": ["x"], "start_ts_s": 0, "end_ts_s": 1, "prompt": ""}
        return [
            await caller.infer(b"no picture"),
            await caller.infer(jpeg(1), prompt="x" * 300),
            await caller.post("infer_chunk", text_frame),
        ]

    errors = [error_of(one) for one in play(scenario, max_prompt_tokens=300)]
    assert [error[:2] for error in errors] == [
        (422, "NoFrameDecodable"),
        (422, "PromptTooLong"),
        (422, "BadArgument"),
    ]
    assert "must be a JPEG" in errors[0][2]
    assert "frames[0]" in errors[2][2]


@pytest.mark.parametrize("path", ["", "load", "close", "service", "infer_chunk/", "__init__"])
def test_what_is_no_method_of_the_contract_is_404_m6(play: Callable, path: str) -> None:
    assert error_of(play(lambda caller: caller.post(path, {})))[:2] == (404, "NotServed")


def test_another_verb_is_405_and_another_type_415_m6(play: Callable) -> None:
    async def scenario(caller: Caller) -> list[httpx2.Response]:
        return [
            await caller.client.get("/infer_chunk"),
            await caller.post("infer_chunk", b"{}", "application/json"),
            await caller.post("infer_chunk", b"{}", ""),
            await caller.post("infer_chunk", {}, "Application/CBOR; x=y"),
        ]

    got, *others, parameter = play(scenario)
    assert (error_of(got)[0], got.headers["allow"]) == (405, "POST")
    assert [error_of(one)[:2] for one in others] == [(415, "UnsupportedMediaType")] * 2
    assert error_of(parameter)[:2] == (422, "BadArgument")


def test_a_body_that_is_too_long_is_413_with_or_without_a_length_m6(play: Callable) -> None:
    async def scenario(caller: Caller) -> list[httpx2.Response]:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * 500

        headers = {"content-type": CBOR}
        return [
            await caller.post("infer_chunk", b"x" * 1_001),
            await caller.client.post("/infer_chunk", content=parts(), headers=headers),
            await caller.post("infer_chunk", b"x" * 1_000),
        ]

    declared, streamed, just_fits = play(scenario, max_body_bytes=1_000)
    assert error_of(declared)[:2] == error_of(streamed)[:2] == (413, "BodyTooLarge")
    assert just_fits.status_code == 422


def test_a_full_queue_is_503_with_a_time_to_wait_m6(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(caller: Caller) -> list[httpx2.Response]:
        return await asyncio.gather(*(caller.infer(jpeg(seed)) for seed in range(6)))

    responses = play(scenario, max_waiting=2, batch_window_ms=1_000)
    refused = [one for one in responses if one.status_code != 200]
    assert len(refused) == 4
    assert {(*error_of(one)[:2], one.headers["retry-after"]) for one in refused} == {
        (503, "Overloaded", "1")
    }


def test_what_the_model_raises_is_500_by_name_m6(
    play: Callable, jpeg: Jpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(caller: Caller) -> tuple[httpx2.Response, httpx2.Response]:
        def fail(_tickets: object) -> None:
            raise RuntimeError("out of memory")

        with monkeypatch.context() as patch:
            patch.setattr(caller.session.service._batcher, "_run", fail)
            failed = await caller.infer(jpeg(1))
        return failed, await caller.infer(jpeg(1))

    failed, after = play(scenario)
    assert error_of(failed) == (500, "RuntimeError", "out of memory")
    assert after.status_code == 200


def test_who_hangs_up_ends_its_call_and_no_other_m7(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(caller: Caller) -> tuple[bool, httpx2.Response]:
        waiting = caller.session.service._batcher._waiting
        leaving = asyncio.create_task(caller.infer(jpeg(9)))
        await until(lambda: len(waiting) == 1)
        ticket = waiting[0].ticket
        staying = asyncio.create_task(caller.infer(jpeg(1)))
        await until(lambda: len(waiting) == 2)
        assert not ticket.cancelled
        leaving.cancel()
        await until(lambda: ticket.cancelled)
        assert len(waiting) == 2, "it was given up while it waited, not answered"
        return cbor2.loads((await staying).content)

    answer = play(scenario, batch_window_ms=1_000)
    assert answer["caption"] != ""
    assert answer["timing"]["batch"] == 1, "the model did nothing for who had left"


def test_wearers_at_once_never_mix_v11(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(caller: Caller) -> tuple[list[Any], list[Any]]:
        async def caption(wearer: int) -> dict[str, Any]:
            response = await caller.infer(
                jpeg(wearer),
                jpeg(100 + wearer),
                start_ts_s=wearer,
                prompt=f"{PROMPT} {'please ' * wearer}",
                history=[f"wearer {wearer}"],
            )
            return cbor2.loads(response.content)

        alone = [await caption(wearer) for wearer in range(4)]
        return alone, await asyncio.gather(*map(caption, range(4)))

    alone, together = play(scenario, batch_window_ms=300)
    assert len({one["caption"] for one in alone}) == 4, "they can be told apart"
    assert max(one["timing"]["batch"] for one in together) > 1, "they did share a batch"
    for one, other in zip(together, alone, strict=True):
        assert one["caption"] == other["caption"]
        assert one["chunk_start_s"] == other["chunk_start_s"]


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what happens on the other side of a socket."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.002)
