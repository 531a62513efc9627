"""The methods as the edge calls them (WIRE M), from JPEG bytes to plain values."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from long_way import Chat, the_long_way
from serving.arguments import BadArgument
from serving.batcher import Overloaded, Ticket
from serving.encoding import PromptTooLong
from serving.frames import NoFrameDecodable
from serving.prompts import caption_text
from serving.structured import JsonNotProduced
from streaming.engine import Completion, Turn
from streaming.loading import Loaded
from streaming.service import StreamingService

Jpeg = Callable[[int], bytes]
PROMPT = "Describe what is happening."


class Stream:
    """Calls as the edge makes them: each with the captions so far, each where the last ended."""

    def __init__(self, service: StreamingService, jpeg: Jpeg, name: str, seed: int = 0) -> None:
        self._service = service
        self._jpeg = jpeg
        self.name = name
        self.seed = seed
        self.prompt = PROMPT
        self.now_s = 0.0
        self.history: list[str] = []

    def frames(self) -> list[bytes]:
        return [self._jpeg(self.seed + int(self.now_s)), self._jpeg(self.seed + 500)]

    async def chunk(self, **more: Any) -> dict[str, Any]:
        answer = await self._service.infer_chunk(
            self.frames(),
            self.now_s,
            self.now_s + 1,
            self.prompt,
            **{"history": self.history[-6:], "session_id": self.name, **more},
        )
        self.now_s += 1
        self.history.append(answer["caption"])
        return answer


def reused(answer: dict[str, Any]) -> int:
    return answer["timing"]["reused_tokens"]


def test_infer_chunk_answers_what_the_edge_reads_m1(host: Callable, jpeg: Jpeg) -> None:
    answer = host(lambda service: service.infer_chunk([jpeg(1), jpeg(2)], 3, 4.5, PROMPT))
    assert set(answer) == {
        "caption",
        "chunk_start_s",
        "chunk_end_s",
        "latency_ms",
        "tokens_generated",
        "model",
        "timing",
    }
    assert (answer["chunk_start_s"], answer["chunk_end_s"]) == (3, 4.5)
    assert answer["tokens_generated"] == 8
    assert answer["caption"] != ""
    assert answer["latency_ms"] > 0
    stages = {"queue_ms", "decode_ms", "prefill_ms", "generate_ms"}
    assert set(answer["timing"]) == {*stages, "batch", "reused_tokens"}
    assert sum(answer["timing"][stage] for stage in stages) <= answer["latency_ms"] + 1
    json.dumps(answer)  # plain values, else callers in JavaScript are refused


def test_no_frames_are_an_empty_caption_and_change_nothing_m2(
    host: Callable, jpeg: Jpeg, qwen: Loaded
) -> None:
    async def scenario(service: StreamingService) -> tuple[Any, Any]:
        stream = Stream(service, jpeg, "s")
        await stream.chunk()
        empty = await service.infer_chunk([], 1.0, 2.0, PROMPT, session_id="s")
        return empty, await stream.chunk()

    empty, after = host(scenario)
    assert empty == {
        "caption": "",
        "chunk_start_s": 1.0,
        "chunk_end_s": 2.0,
        "latency_ms": 0,
        "tokens_generated": 0,
        "model": qwen.model.name_or_path,
    }
    assert reused(after) > 0


def test_undecodable_frames_are_skipped_and_none_decodable_is_an_error_m2(
    host: Callable, jpeg: Jpeg
) -> None:
    async def scenario(service: StreamingService) -> tuple[Any, Any]:
        mixed = await service.infer_chunk([b"x", jpeg(1), jpeg(2)[:200]], 0, 1, PROMPT)
        clean = await service.infer_chunk([jpeg(1)], 0, 1, PROMPT)
        with pytest.raises(NoFrameDecodable):
            await service.infer_chunk([b"x", b""], 0, 1, PROMPT)
        return mixed, clean

    mixed, clean = host(scenario)
    assert mixed["caption"] == clean["caption"]


def test_a_picture_too_long_for_the_image_processor_is_skipped_m2(
    host: Callable, jpeg: Jpeg, encode: Callable[..., bytes]
) -> None:
    long = encode(7, 3, 900)
    answer = host(lambda service: service.infer_chunk([long, jpeg(1)], 0, 1, PROMPT))
    assert answer["caption"] != ""
    with pytest.raises(NoFrameDecodable):
        host(lambda service: service.infer_chunk([long], 0, 1, PROMPT))


def test_questions_are_answered_with_their_ids_and_leave_the_caption(
    host: Callable, jpeg: Jpeg, qwen_vision_calls: list[int]
) -> None:
    questions = [{"id": "dog", "text": "a dog"}, {"id": "dark", "text": "it is dark"}]

    async def scenario(service: StreamingService) -> list[Any]:
        plain, asked = Stream(service, jpeg, "p"), Stream(service, jpeg, "q")
        return [(await plain.chunk(), await asked.chunk(questions=questions)) for _ in range(3)]

    for plain, asked in host(scenario):
        assert plain["caption"] == asked["caption"]
        assert "answers" not in plain
        assert [one["id"] for one in asked["answers"]] == ["dog", "dark"]
        for one in asked["answers"]:
            assert isinstance(one["yes"], bool)
            assert 0.5 <= one["confidence"] <= 1
    assert qwen_vision_calls == [2] * 6, "each picture is encoded once for all"


def test_a_stream_is_continued_and_that_changes_its_words(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> tuple[list[Any], list[Any]]:
        kept, nameless = Stream(service, jpeg, "s"), Stream(service, jpeg, "")
        return (
            [await kept.chunk() for _ in range(4)],
            [await nameless.chunk() for _ in range(4)],
        )

    kept, nameless = host(scenario)
    assert [reused(one) > 0 for one in kept] == [False, True, True, True]
    assert reused(kept[3]) > reused(kept[2]) > reused(kept[1])
    assert [reused(one) for one in nameless] == [0] * 4, "the empty id keeps nothing"
    assert kept[0]["caption"] == nameless[0]["caption"]
    assert kept[3]["caption"] != nameless[3]["caption"]


def test_a_stream_says_what_transformers_says_about_all_of_it_at_once(
    host: Callable, jpeg: Jpeg, qwen: Loaded
) -> None:
    async def scenario(service: StreamingService) -> tuple[list[str], Chat]:
        stream, chat = Stream(service, jpeg, "s"), Chat()
        stream.history = ["A door."]
        for number in range(4):
            pictures = [Image.open(BytesIO(frame)).convert("RGB") for frame in stream.frames()]
            told = stream.history if number == 0 else []
            chat.append(("user", pictures, caption_text(PROMPT, told)))
            chat.append(("assistant", [], (await stream.chunk())["caption"]))
        return stream.history[1:], chat

    captions, chat = host(scenario)
    ends = frozenset(qwen.model.generation_config.eos_token_id)
    for number, caption in enumerate(captions):
        expected = the_long_way(qwen, chat[: 2 * number + 1], ends, 8)
        assert caption == qwen.tokenizer.decode(expected)


def other_history(stream: Stream) -> None:
    stream.history[-1] = "Somebody else's caption."


def other_prompt(stream: Stream) -> None:
    stream.prompt = "Who is there?"


def gap(stream: Stream) -> None:
    stream.now_s += 3


def going_back(stream: Stream) -> None:
    stream.now_s -= 1


def another_container_was_between(stream: Stream) -> None:
    stream.history.append("Said elsewhere.")
    stream.now_s += 1


def failed_call_was_between(stream: Stream) -> None:
    """The edge gave the last call up, so it never heard its caption."""
    stream.history.pop()


@pytest.mark.parametrize(
    "break_off",
    [
        other_history,
        other_prompt,
        gap,
        going_back,
        another_container_was_between,
        failed_call_was_between,
    ],
)
def test_what_does_not_follow_starts_afresh_from_the_history_handed_over(
    host: Callable, jpeg: Jpeg, break_off: Callable[[Stream], None]
) -> None:
    async def scenario(service: StreamingService) -> tuple[Any, Any, Any]:
        stream, never_seen = Stream(service, jpeg, "s"), Stream(service, jpeg, "t")
        for _ in range(2):
            await stream.chunk()
        break_off(stream)
        never_seen.now_s, never_seen.prompt = stream.now_s, stream.prompt
        never_seen.history = list(stream.history)
        return await stream.chunk(), await never_seen.chunk(), await stream.chunk()

    broken, fresh, next_one = host(scenario)
    assert (reused(broken), broken["caption"]) == (0, fresh["caption"])
    assert reused(next_one) > 0, "from here on it is kept again"


def test_a_guessed_session_id_gets_nothing_of_the_stream(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> tuple[Any, Any]:
        victim, stranger = Stream(service, jpeg, "s"), Stream(service, jpeg, "s", seed=40)
        for _ in range(3):
            await victim.chunk()
        stranger.now_s = victim.now_s
        # It even guessed the last caption, but not what was said before.
        stranger.history = ["A door.", victim.history[-1]]
        guessed = await stranger.chunk()
        stranger.now_s -= 1
        honest = await stranger.chunk(session_id="", history=["A door.", victim.history[-1]])
        return guessed, honest

    guessed, honest = host(scenario)
    assert (reused(guessed), guessed["caption"]) == (0, honest["caption"])


def test_eight_streams_at_once_never_mix(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> tuple[list[Any], list[Any]]:
        async def run(stream: Stream) -> list[str]:
            return [(await stream.chunk())["caption"] for _ in range(3)]

        def streams(of: str) -> list[Stream]:
            return [Stream(service, jpeg, f"{of}{one}", seed=50 * one) for one in range(8)]

        alone = [await run(stream) for stream in streams("alone")]
        return alone, await asyncio.gather(*map(run, streams("together")))

    alone, together = host(scenario)
    assert len({tuple(captions) for captions in alone}) == 8, "they can be told apart"
    assert together == alone


def test_calls_of_one_stream_at_once_do_not_touch_each_other(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> tuple[list[Any], Any, Any]:
        stream, other = Stream(service, jpeg, "s"), Stream(service, jpeg, "t")
        for one in (stream, other):
            await one.chunk()

        def twin(seed: int) -> Any:
            return service.infer_chunk([jpeg(seed)], 1, 2, PROMPT, stream.history, "s")

        together = await asyncio.gather(twin(7), twin(8), twin(9))
        # The first continues the stream, as it would have alone; the others start afresh.
        continued = await service.infer_chunk([jpeg(7)], 1, 2, PROMPT, other.history, "t")
        fresh = [
            await service.infer_chunk([jpeg(seed)], 1, 2, PROMPT, stream.history) for seed in (8, 9)
        ]
        return together, continued, fresh

    together, continued, fresh = host(scenario)
    assert [reused(one) > 0 for one in together] == [True, False, False]
    assert [one["caption"] for one in together] == [one["caption"] for one in (continued, *fresh)]


def test_the_least_recently_used_stream_starts_afresh(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> list[bool]:
        a, b, c = (Stream(service, jpeg, name) for name in "abc")
        for stream in (a, b, a, c):
            await stream.chunk()
        return [reused(await stream.chunk()) > 0 for stream in (a, b)]

    assert host(scenario, max_sessions=2) == [True, False]


def test_a_conversation_that_gets_too_long_starts_afresh(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> list[int]:
        stream = Stream(service, jpeg, "s")
        return [reused(await stream.chunk()) for _ in range(6)]

    most = 900
    lengths = host(scenario, max_session_tokens=most, max_kept_tokens=most)
    assert max(lengths) < most
    assert lengths[0] == 0 < lengths[1], "it is kept at first"
    assert 0 in lengths[2:], "it did get too long"
    assert lengths[lengths.index(0, 1) + 1] > 0, "and was kept again behind that"


@pytest.mark.parametrize("how", ["fails", "is given up", "shows no picture"])
def test_a_call_that_ends_badly_costs_its_own_stream_alone(
    host: Callable, jpeg: Jpeg, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def scenario(service: StreamingService) -> tuple[list[bool], list[str], list[str]]:
        bad, good, alone = (Stream(service, jpeg, name) for name in ("bad", "good", "alone"))
        for stream in (bad, good, alone):
            await stream.chunk()
        run = service.engine.run

        def failing(tickets: Sequence[Ticket[Turn]]) -> list[Completion]:
            completions = run(tickets)  # it has changed the conversation when it fails
            raise RuntimeError(f"out of memory behind {len(completions)}")

        if how == "fails":
            with monkeypatch.context() as broken:
                broken.setattr(service._batcher, "_run", failing)
                with pytest.raises(RuntimeError, match="out of memory"):
                    await bad.chunk()
        elif how == "is given up":
            began, leave = threading.Event(), threading.Event()

            def slow(tickets: Sequence[Ticket[Turn]]) -> list[Completion]:
                began.set()
                leave.wait(10)
                return run(tickets)

            with monkeypatch.context() as slowed:
                slowed.setattr(service._batcher, "_run", slow)
                call = asyncio.create_task(bad.chunk())
                await asyncio.to_thread(began.wait, 10)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                leave.set()
        else:
            with pytest.raises(NoFrameDecodable):
                await service.infer_chunk([b"x"], 1, 2, PROMPT, bad.history, "bad")
        after = [await stream.chunk() for stream in (bad, good, alone)]
        return [reused(one) > 0 for one in after], good.history, alone.history

    kept, good, alone = host(scenario)
    assert kept == [False, True, True]
    assert good == alone


def test_a_call_that_waits_beside_one_that_fails_runs_once(
    host: Callable, jpeg: Jpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run would tell the conversation the same chunk twice."""

    async def scenario(service: StreamingService) -> tuple[Any, list[str], list[str]]:
        good, alone = Stream(service, jpeg, "good"), Stream(service, jpeg, "alone")
        for stream in (good, alone):
            await stream.chunk()
        run_one, go_on = service.engine._run_one, threading.Event()

        def failing(ticket: Ticket[Turn]) -> Completion:
            go_on.wait(10)
            if ticket.request.prepared.questions:
                raise RuntimeError("out of memory")
            return run_one(ticket)

        with monkeypatch.context() as broken:
            broken.setattr(service.engine, "_run_one", failing)
            first = asyncio.create_task(service.infer_chunk([jpeg(1)], 0, 1, PROMPT))
            await asyncio.sleep(0.05)
            waiting = asyncio.create_task(good.chunk())
            questions = [{"id": "dog", "text": "a dog"}]
            bad = asyncio.create_task(Stream(service, jpeg, "bad").chunk(questions=questions))
            while len(service._batcher._waiting) < 2:
                await asyncio.sleep(0.01)
            go_on.set()
            _, _, failed = await asyncio.gather(first, waiting, bad, return_exceptions=True)
        await alone.chunk()
        for stream in (good, alone):
            await stream.chunk()
        return failed, good.history, alone.history

    failed, good, alone = host(scenario)
    assert isinstance(failed, RuntimeError)
    assert good == alone


def test_history_is_bounded_for_the_model_but_not_for_the_check(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> tuple[Any, Any, Any]:
        history = [f"Caption {number}." for number in range(9)]
        long = await service.infer_chunk([jpeg(1)], 0, 1, PROMPT, history, "s")
        short = await service.infer_chunk([jpeg(1)], 0, 1, PROMPT, history[-2:])
        grown = [*history, long["caption"]]
        return long, short, await service.infer_chunk([jpeg(1)], 1, 2, PROMPT, grown[-9:], "s")

    long, short, following = host(scenario, max_history=2)
    assert long["caption"] == short["caption"]
    assert reused(following) > 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("x", 0, 1, PROMPT), "frames"),
        ((["x"], 0, 1, PROMPT), r"frames\[0\]"),
        (([b"x"], "0", 1, PROMPT), "start_ts_s"),
        (([b"x"], 0, float("nan"), PROMPT), "end_ts_s"),
        (([b"x"], 0, 1, None), "prompt"),
        (([b"x"], 0, 1, PROMPT, [1]), "history"),
        (([b"x"], 0, 1, PROMPT, [], 7), "session_id"),
        (([b"x"], 0, 1, PROMPT, [], "", [{"id": "a"}]), r"questions\[0\].text"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(
    host: Callable, arguments: tuple[Any, ...], named: str
) -> None:
    with pytest.raises(BadArgument, match=f"Cannot answer as {named}.* must be .*: current value"):
        host(lambda service: service.infer_chunk(*arguments))


def test_a_full_queue_refuses(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> list[Any]:
        calls = [service.infer_chunk([jpeg(seed)], 0, 1, PROMPT) for seed in range(12)]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = host(scenario, max_waiting=1, decode_threads=16, max_new_tokens=200)
    assert any(isinstance(result, Overloaded) for result in results)
    assert any(isinstance(result, dict) for result in results)


def test_a_prompt_of_too_many_tokens_is_refused(host: Callable, jpeg: Jpeg) -> None:
    with pytest.raises(PromptTooLong):
        host(lambda service: service.infer_chunk([jpeg(1)], 0, 1, "x" * 300), max_prompt_tokens=300)


def test_answer_and_generate_speak_and_keep_nothing(host: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: StreamingService) -> Any:
        first = await service.answer([jpeg(1)], "Who is it?", ["A door."])
        second = await service.answer([jpeg(2)], "Who is it?", ["A door."])
        turn = [{"role": "user", "content": "hello"}]
        said = await service.generate(turn, max_tokens=5)
        with pytest.raises(JsonNotProduced, match="two attempts"):
            await service.generate(turn, {"type": "object"}, 5)
        with pytest.raises(BadArgument, match="frames"):
            await service.answer([], "Who is it?")
        return first, second, said, len(service._sessions)

    first, second, said, kept = host(scenario, max_answer_tokens=12)
    assert set(first) == {"text", "latency_ms", "tokens_generated", "timing", "model"}
    assert first["text"] != second["text"] != ""
    assert len(said) == 5
    assert kept == 0
