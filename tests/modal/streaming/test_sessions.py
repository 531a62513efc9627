"""What is kept of streams, and when a chunk may continue it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.sessions import MAX_CAPTIONS, Asked, Kept, Sessions, left_by

KEPT = Kept(state="pictures", tokens=10, prompt="What?", ended_s=4.0, captions=("a", "b", "c"))
ASKED = Asked(prompt="What?", start_s=4.0, end_s=5.0, history=("b", "c"))


@pytest.mark.parametrize(
    ("changes", "continued"),
    [
        ({}, True),
        ({"history": ("a", "b", "c")}, True),
        ({"start_s": 5.0}, True),
        ({"start_s": 5.1}, False),
        ({"start_s": 3.9}, False),
        ({"prompt": "Who?"}, False),
        ({"history": ()}, False),
        ({"history": ("c",)}, False),
        ({"history": ("a", "c")}, False),
        ({"history": ("b", "c", "d")}, False),
        ({"history": ("a", "b")}, False),
        ({"history": ("b", "c ")}, False),
        ({"history": ("x", "a", "b", "c")}, False),
        ({"history": ("x", "b", "c")}, False),
    ],
)
def test_a_chunk_continues_only_what_it_repeats_asks_and_follows(
    changes: dict[str, object], continued: bool
) -> None:
    assert KEPT.is_continued_by(replace(ASKED, **changes), max_gap_s=1.0) is continued


def test_a_stream_that_handed_over_nothing_yet_still_needs_its_caption() -> None:
    first = left_by(replace(ASKED, history=()), "a", "pictures", 1)
    assert first.captions == ("a",)
    nothing, repeated = (replace(ASKED, start_s=5.0, history=one) for one in ((), ("a",)))
    assert not first.is_continued_by(nothing, 1.0)
    assert first.is_continued_by(repeated, 1.0)


def test_what_is_known_is_what_the_last_chunk_came_with_and_got() -> None:
    kept = left_by(ASKED, "d", "pictures", 1)
    assert (kept.captions, kept.ended_s) == (("b", "c", "d"), 5.0)
    history = tuple(map(str, range(MAX_CAPTIONS)))
    assert left_by(replace(ASKED, history=history), "d", "pictures", 1).captions == (
        *history[1:],
        "d",
    )


def sessions(**changes: object) -> Sessions[str]:
    return Sessions(**{"max_sessions": 2, "max_tokens": 100, "idle_s": 60, **changes})


def test_what_is_taken_is_there_once() -> None:
    store = sessions()
    store.put("s", KEPT)
    assert store.take("s") == KEPT
    assert store.take("s") is None


def test_a_stream_gets_its_own_and_no_other() -> None:
    store = sessions()
    store.put("s", KEPT)
    store.put("t", replace(KEPT, state="others"))
    assert store.take("u") is None
    assert store.take("t").state == "others"
    assert store.take("s").state == "pictures"


def test_the_empty_id_keeps_nothing() -> None:
    store = sessions()
    store.put("", KEPT)
    assert (len(store), store.take("")) == (0, None)


def test_the_least_recently_used_gives_way_to_number_and_to_tokens() -> None:
    store = sessions()
    for name in ("a", "b"):
        store.put(name, KEPT)
    store.put("a", store.take("a"))
    store.put("c", KEPT)
    assert store.take("b") is None
    assert len(store) == 2
    store.put("d", replace(KEPT, tokens=95))
    assert [store.take(name) is not None for name in "acd"] == [False, False, True]


def test_what_is_too_large_alone_is_not_kept_and_replaces_what_was() -> None:
    store = sessions()
    store.put("a", KEPT)
    store.put("b", KEPT)
    store.put("a", replace(KEPT, tokens=101))
    assert [store.take(name) is not None for name in "ab"] == [False, True]


def test_none_are_kept_where_none_may_be() -> None:
    store = sessions(max_sessions=0)
    store.put("a", KEPT)
    assert len(store) == 0


def test_what_nobody_continues_is_forgotten() -> None:
    now = [0.0]
    store = sessions(clock=lambda: now[0])
    store.put("a", KEPT)
    now[0] = 30.0
    store.put("b", KEPT)
    now[0] = 61.0
    assert store.take("a") is None
    assert store.take("b") is not None
