"""The methods as the edge calls them (WIRE M), from JPEG bytes to plain values."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from gemma3.engine import Completion
from gemma3.loading import Loaded
from gemma3.preparing import Prepared
from gemma3.service import Gemma3Service
from gemma3.settings import Settings
from serving.arguments import BadArgument
from serving.batcher import Overloaded, Ticket
from serving.encoding import PromptTooLong
from serving.frames import NoFrameDecodable
from serving.prompts import STALE_HISTORY
from serving.structured import JsonNotProduced

Jpeg = Callable[[int], bytes]
Value = TypeVar("Value")
Scenario = Callable[[Gemma3Service], Awaitable[Value]]

PROMPT = "Describe what is happening."
SCHEMA = {
    "type": "object",
    "properties": {"steps": {"type": "integer"}},
    "required": ["steps"],
    "additionalProperties": False,
}


def never() -> None:
    raise AssertionError("nothing here breaks a GPU")


@pytest.fixture
def play(loaded: Loaded, settings: Settings) -> Callable[..., Any]:
    """Runs a scenario with a service of its own, which is closed behind it."""

    def run(scenario: Scenario[Value], **changes: object) -> Value:
        async def whole() -> Value:
            service = Gemma3Service(loaded, replace(settings, **changes), retire=never)
            try:
                return await scenario(service)
            finally:
                await service.close()

        return asyncio.run(whole())

    return run


def test_infer_chunk_answers_what_the_edge_reads_m1(play: Callable, jpeg: Jpeg) -> None:
    answer = play(lambda service: service.infer_chunk([jpeg(1), jpeg(2)], 3, 4.5, PROMPT))
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
    assert 0 < answer["tokens_generated"] <= 16
    assert answer["caption"] != ""
    assert answer["latency_ms"] > 0
    stages = {"queue_ms", "decode_ms", "prefill_ms", "generate_ms"}
    assert set(answer["timing"]) == {*stages, "vision_ms", "batch"}
    assert 0 < answer["timing"]["vision_ms"] <= answer["timing"]["prefill_ms"]
    assert sum(answer["timing"][stage] for stage in stages) <= answer["latency_ms"] + 1
    json.dumps(answer)  # plain values, else callers in JavaScript are refused


def test_infer_chunk_takes_what_came_later_by_keyword_m1(play: Callable, jpeg: Jpeg) -> None:
    answer = play(
        lambda service: service.infer_chunk(
            [jpeg(1)], 0, 1, PROMPT, history=["A door."], session_id="s", questions=[]
        )
    )
    assert "answers" not in answer


def test_no_frames_are_an_empty_caption_m2(
    play: Callable, loaded: Loaded, vision_calls: list[int]
) -> None:
    answer = play(lambda service: service.infer_chunk([], 1.0, 2.0, PROMPT))
    assert answer == {
        "caption": "",
        "chunk_start_s": 1.0,
        "chunk_end_s": 2.0,
        "latency_ms": 0,
        "tokens_generated": 0,
        "model": loaded.model.name_or_path,
    }
    assert vision_calls == []


def test_undecodable_frames_are_skipped_and_none_decodable_is_an_error_m2(
    play: Callable, jpeg: Jpeg
) -> None:
    async def scenario(service: Gemma3Service) -> tuple[Any, Any]:
        mixed = await service.infer_chunk([b"x", jpeg(1), jpeg(2)[:200]], 0, 1, PROMPT)
        clean = await service.infer_chunk([jpeg(1)], 0, 1, PROMPT)
        with pytest.raises(NoFrameDecodable):
            await service.infer_chunk([b"x", b""], 0, 1, PROMPT)
        return mixed, clean

    mixed, clean = play(scenario)
    assert mixed["caption"] == clean["caption"]


def test_a_chunk_shows_no_more_frames_than_it_may(
    play: Callable, jpeg: Jpeg, vision_calls: list[int]
) -> None:
    frames = [jpeg(seed) for seed in range(9)]
    play(lambda service: service.infer_chunk(frames, 0, 1, PROMPT), max_frames_per_chunk=3)
    assert sum(vision_calls) == 3


def test_questions_are_answered_from_probabilities_with_their_ids(
    play: Callable, jpeg: Jpeg, vision_calls: list[int]
) -> None:
    questions = [{"id": "dog", "text": "a dog"}, {"id": "dark", "text": "it is dark"}]
    answer = play(lambda service: service.infer_chunk([jpeg(1)], 0, 1, PROMPT, questions=questions))
    assert [one["id"] for one in answer["answers"]] == ["dog", "dark"]
    for one in answer["answers"]:
        assert isinstance(one["yes"], bool)
        assert 0.5 <= one["confidence"] <= 1
    assert sum(vision_calls) == 1, "the picture is encoded once for all"


def test_as_many_questions_are_answered_as_a_wearer_has_rules_and_one_more_is_refused_m10(
    play: Callable, jpeg: Jpeg, vision_calls: list[int]
) -> None:
    questions = [{"id": f"r{at}.1", "text": f"rule {at}"} for at in range(21)]

    def ask(count: int) -> Callable:
        return lambda service: service.infer_chunk(
            [jpeg(1)], 0, 1, PROMPT, questions=questions[:count]
        )

    answer = play(ask(20))
    assert [one["id"] for one in answer["answers"]] == [one["id"] for one in questions[:20]]
    assert sum(vision_calls) == 1
    # The edge knows by these words that it is the questions, and asks for the caption alone.
    with pytest.raises(BadArgument, match=r"^Cannot answer as questions must be at most 20 long"):
        play(ask(21))


def test_questions_do_not_change_the_caption(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: Gemma3Service) -> tuple[str, str]:
        questions = [{"id": "a", "text": "a dog"}]
        asked = await service.infer_chunk([jpeg(1)], 0, 1, PROMPT, questions=questions)
        plain = await service.infer_chunk([jpeg(1)], 0, 1, PROMPT)
        return asked["caption"], plain["caption"]

    asked, plain = play(scenario)
    assert asked == plain


def test_eight_sessions_at_once_never_mix(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: Gemma3Service) -> tuple[list[Any], list[Any]]:
        def chunk(wearer: int) -> Awaitable[dict[str, Any]]:
            return service.infer_chunk(
                [jpeg(wearer), jpeg(100 + wearer)],
                wearer,
                wearer + 1,
                f"{PROMPT} {'please ' * wearer}",
                history=[f"wearer {wearer}"],
                session_id=f"s{wearer}",
                questions=[{"id": f"q{wearer}", "text": "a dog"}],
            )

        alone = [await chunk(wearer) for wearer in range(8)]
        rounds = [await asyncio.gather(*map(chunk, range(8))) for _ in range(3)]
        return alone, rounds

    alone, rounds = play(scenario)
    assert len({one["caption"] for one in alone}) == 8, "they can be told apart"
    for together in rounds:
        assert max(one["timing"]["batch"] for one in together) > 1, "they did share a batch"
        for one, other in zip(together, alone, strict=True):
            assert one["caption"] == other["caption"]
            assert one["chunk_start_s"] == other["chunk_start_s"]
            assert [a["id"] for a in one["answers"]] == [a["id"] for a in other["answers"]]


def test_sessions_are_unmixed_beside_errors_and_cancellations(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: Gemma3Service) -> tuple[list[str], list[Any]]:
        def chunk(seed: int) -> Awaitable[dict[str, Any]]:
            return service.infer_chunk([jpeg(seed)], 0, 1, PROMPT)

        alone = [(await chunk(seed))["caption"] for seed in range(4)]
        broken = service.infer_chunk([b"x"], 0, 1, PROMPT)
        leaving = asyncio.create_task(chunk(9))
        calls = [asyncio.create_task(chunk(seed)) for seed in range(4)]
        await asyncio.sleep(0.05)
        leaving.cancel()
        results = await asyncio.gather(*calls, broken, leaving, return_exceptions=True)
        return alone, results

    alone, results = play(scenario)
    assert [result["caption"] for result in results[:4]] == alone
    assert isinstance(results[4], NoFrameDecodable)
    assert isinstance(results[5], asyncio.CancelledError)


def test_a_request_that_breaks_the_batch_fails_alone(
    play: Callable, jpeg: Jpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine fails for every batch with the request of one token, whoever else is in it."""

    async def scenario(service: Gemma3Service) -> list[Any]:
        run = service.engine.run

        def failing(tickets: Sequence[Ticket[Prepared]]) -> list[Completion]:
            if any(ticket.request.max_new_tokens == 1 for ticket in tickets):
                raise RuntimeError("out of memory")
            return run(tickets)

        monkeypatch.setattr(service._batcher, "_run", failing)
        turn = [{"role": "user", "content": "hello"}]
        return await asyncio.gather(
            service.infer_chunk([jpeg(1)], 0, 1, PROMPT),
            service.generate(turn, max_tokens=1),
            service.infer_chunk([jpeg(2)], 0, 1, PROMPT),
            return_exceptions=True,
        )

    first, broken, last = play(scenario)
    assert isinstance(broken, RuntimeError)
    assert first["caption"] != last["caption"] != ""


def test_history_is_marked_as_possibly_stale_and_bounded(
    play: Callable, jpeg: Jpeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    async def scenario(service: Gemma3Service) -> None:
        render = service._preparer.about_pictures

        def spy(pictures: Any, text: str, **options: Any) -> Prepared:
            texts.append(text)
            return render(pictures, text, **options)

        monkeypatch.setattr(service._preparer, "about_pictures", spy)
        history = [f"caption {number}" for number in range(9)]
        await service.infer_chunk([jpeg(1)], 0, 1, PROMPT, history)
        await service.infer_chunk([jpeg(1)], 0, 1, PROMPT, [])

    play(scenario, max_history=2)
    assert f"{STALE_HISTORY}\n- caption 7\n- caption 8\n\n{PROMPT}" in texts[0]
    assert "caption 6" not in texts[0]
    assert STALE_HISTORY not in texts[1]


def test_the_same_chunk_gets_the_same_caption_whatever_came_before(
    play: Callable, jpeg: Jpeg
) -> None:
    async def scenario(service: Gemma3Service) -> list[str]:
        captions = []
        for seed in (1, 2, 3, 1):
            answer = await service.infer_chunk([jpeg(seed)], 0, 1, PROMPT, session_id="same")
            captions.append(answer["caption"])
        return captions

    captions = play(scenario)
    assert captions[0] == captions[3] != captions[1]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("x", 0, 1, PROMPT), "frames"),
        ((["x"], 0, 1, PROMPT), r"frames\[0\]"),
        (([b""] * 300, 0, 1, PROMPT), "frames"),
        (([b"x"], "0", 1, PROMPT), "start_ts_s"),
        (([b"x"], 0, float("nan"), PROMPT), "end_ts_s"),
        (([b"x"], 0, 1, None), "prompt"),
        (([b"x"], 0, 1, "x" * 9_000), "prompt"),
        (([b"x"], 0, 1, PROMPT, "history"), "history"),
        (([b"x"], 0, 1, PROMPT, [1]), "history"),
        (([b"x"], 0, 1, PROMPT, [], 7), "session_id"),
        (([b"x"], 0, 1, PROMPT, [], "", [{"id": "a"}]), r"questions\[0\].text"),
        (([b"x"], 0, 1, PROMPT, [], "", ["a"]), r"questions\[0\]"),
        (([b"x"], 0, 1, PROMPT, [], "", [{"id": "a", "text": "b"}] * 2), "questions"),
        (([b"x"], 0, 1, PROMPT, [], "", [{"id": str(i), "text": ""} for i in range(21)]), "quest"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(
    play: Callable, arguments: tuple[Any, ...], named: str
) -> None:
    with pytest.raises(BadArgument, match=f"Cannot answer as {named}.* must be .*: current value"):
        play(lambda service: service.infer_chunk(*arguments))


def test_a_full_queue_refuses(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: Gemma3Service) -> list[Any]:
        calls = [service.infer_chunk([jpeg(seed)], 0, 1, PROMPT) for seed in range(6)]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = play(scenario, max_waiting=2, batch_window_ms=1_000)
    assert sum(isinstance(result, Overloaded) for result in results) == 4


def test_a_prompt_of_too_many_tokens_is_refused(play: Callable, jpeg: Jpeg) -> None:
    with pytest.raises(PromptTooLong):
        play(
            lambda service: service.infer_chunk([jpeg(1)], 0, 1, "x" * 300),
            max_prompt_tokens=300,
        )


def test_answer_says_something_about_the_frames(play: Callable, jpeg: Jpeg) -> None:
    async def scenario(service: Gemma3Service) -> list[Any]:
        return [await service.answer([jpeg(seed)], "Who is it?", ["A door."]) for seed in (1, 2)]

    first, second = play(scenario)
    assert set(first) == {"text", "latency_ms", "tokens_generated", "timing", "model"}
    assert first["text"] != second["text"] != ""


def test_answer_without_frames_is_an_error(play: Callable) -> None:
    with pytest.raises(BadArgument, match="frames"):
        play(lambda service: service.answer([], "Who is it?"))


def test_generate_continues_a_chat_in_words(play: Callable) -> None:
    turn = [{"role": "user", "content": "hello"}]
    text = play(lambda service: service.generate(turn, max_tokens=12))
    assert isinstance(text, str)
    assert text != ""


@pytest.mark.parametrize(
    ("written", "asked", "outcome"),
    [
        (['{"steps": 3}'], 1, {"steps": 3}),
        (['```json\n{"steps": 3}\n```'], 1, {"steps": 3}),
        (["three", '{"steps": 3}'], 2, {"steps": 3}),
        (['{"steps": "3"}', '{"steps": 3}'], 2, {"steps": 3}),
        (["three", '{"steps": NaN}'], 2, JsonNotProduced),
    ],
)
def test_generate_gives_json_of_the_schema_with_one_repair(
    play: Callable,
    monkeypatch: pytest.MonkeyPatch,
    written: list[str],
    asked: int,
    outcome: Any,
) -> None:
    """The model's words are given, as a tiny one writes no JSON; all around them is real."""
    chats: list[list[tuple[str, str]]] = []

    async def scenario(service: Gemma3Service) -> Any:
        async def say(turns: list[tuple[str, str]], _max_tokens: int) -> str:
            chats.append(turns)
            return written[len(chats) - 1]

        monkeypatch.setattr(service, "_continue", say)
        return await service.generate([{"role": "user", "content": "How many?"}], SCHEMA)

    if isinstance(outcome, dict):
        assert play(scenario) == outcome
    else:
        with pytest.raises(outcome):
            play(scenario)
    assert len(chats) == asked
    assert json.dumps(SCHEMA) in chats[0][-1][1]
    if asked > 1:
        assert chats[1][1] == ("assistant", written[0])


def test_generate_with_the_model_itself_fails_after_two_attempts(play: Callable) -> None:
    turn = [{"role": "user", "content": "How many?"}]
    with pytest.raises(JsonNotProduced, match="two attempts"):
        play(lambda service: service.generate(turn, SCHEMA, 8))


@pytest.mark.parametrize(
    ("messages", "schema", "named"),
    [
        ([], None, "messages"),
        ([{"role": "assistant", "content": "x"}], None, "messages"),
        ([{"role": "system", "content": "x"}], None, "messages"),
        ([{"role": "user", "content": 7}], None, r"messages\[0\].content"),
        ([{"role": "user", "content": "x"}], "schema", "schema"),
        ([{"role": "user", "content": "x"}], {"type": "nothing"}, "schema"),
    ],
)
def test_generate_names_what_it_cannot_use(
    play: Callable, messages: Any, schema: Any, named: str
) -> None:
    with pytest.raises(BadArgument, match=named):
        play(lambda service: service.generate(messages, schema))
