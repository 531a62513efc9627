"""Conversations that are kept between the chunks of a stream, and whether a chunk continues one.

Modal sends a stream's calls to any container, so another one may have served the chunks in between:
what is kept here may be old. And a session id is only a name: any wearer could send another's.
Both are met by the same check. A conversation is continued only by a call that repeats, word for
word, the captions that the last chunk came with and the one that it got (the oldest may be missing,
as callers keep a few); that asks for the same; and that begins where the conversation ended.
Whoever lacks the captions of a stream gets nothing that hangs on its pictures: what is kept is
dropped, and the call runs on its own frames and on the history in its hands, as with an id never
seen. The most that a guessed id does is to cost its owner one fresh start. The check is as strong
as the captions are hard to guess, so weakest behind a stream's first chunk, where there is one.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_CAPTIONS = 64
"""Newest captions of a history that count; more than any caller hands over."""

State = TypeVar("State")


@dataclass(frozen=True)
class Asked:
    """What tells whether a chunk continues a conversation."""

    prompt: str
    start_s: float
    end_s: float
    history: tuple[str, ...]
    """Earlier captions as the caller knows them, oldest first."""


@dataclass(frozen=True)
class Kept(Generic[State]):
    """A conversation as a chunk left it."""

    state: State
    tokens: int
    """What it takes of the memory."""
    prompt: str
    ended_s: float
    """In the stream's time."""
    captions: tuple[str, ...]
    """Those that the last chunk came with, and the one that it got."""

    def is_continued_by(self, asked: Asked, max_gap_s: float) -> bool:
        """Whether nothing lies between the conversation and the chunk."""
        return (
            self._knows(asked.history)
            and asked.prompt == self.prompt
            and 0 <= asked.start_s - self.ended_s <= max_gap_s
        )

    def _knows(self, history: tuple[str, ...]) -> bool:
        # All of them but the oldest at the most: one caption that is easily guessed is not enough.
        return history != () and history in (self.captions, self.captions[1:])


def left_by(asked: Asked, caption: str, state: State, tokens: int) -> Kept[State]:
    """The conversation behind a chunk."""
    return Kept(
        state=state,
        tokens=tokens,
        prompt=asked.prompt,
        ended_s=asked.end_s,
        captions=(*asked.history, caption)[-MAX_CAPTIONS:],
    )


class Sessions(Generic[State]):
    """The least recently used give way. Belongs to one event loop; nothing here waits."""

    def __init__(
        self,
        *,
        max_sessions: int,
        max_tokens: int,
        idle_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_sessions = max_sessions
        self._max_tokens = max_tokens
        self._idle_s = idle_s
        self._clock = clock
        self._kept: OrderedDict[str, _Entry[State]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, session_id: str) -> Kept[State] | None:
        """Takes a stream's conversation out, for one call alone.

        Another call of the stream at the same time finds none, and a call that fails or is given up
        brings nothing back: what it may have left half done is gone.
        """
        self._forget_idle()
        entry = self._kept.pop(session_id, None)
        return None if entry is None else entry.kept

    def put(self, session_id: str, kept: Kept[State]) -> None:
        """Keeps a conversation, in place of the one that the stream may have here.

        The empty id names no stream. Calls for it share nothing.
        """
        self._forget_idle()
        self._kept.pop(session_id, None)
        if session_id == "" or kept.tokens > self._max_tokens:
            return
        self._kept[session_id] = _Entry(kept, self._clock())
        while len(self._kept) > self._max_sessions or self._tokens() > self._max_tokens:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forgets all: the container ends."""
        self._kept.clear()

    def _tokens(self) -> int:
        return sum(entry.kept.tokens for entry in self._kept.values())

    def _forget_idle(self) -> None:
        oldest_s = self._clock() - self._idle_s
        while self._kept and next(iter(self._kept.values())).used_s < oldest_s:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class _Entry(Generic[State]):
    kept: Kept[State]
    used_s: float
