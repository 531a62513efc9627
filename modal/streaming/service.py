"""The methods of ``StreamingVLMSession`` (WIRE M), without Modal.

What is kept between calls is in ``sessions``, and makes an answer better, never possible: any
container can answer any call from the frames and the history that come with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from PIL import Image

from serving.batcher import Batched, Batcher, Ticket
from serving.frames import decode_frames, limits_of
from serving.plain import spoken
from serving.prompts import caption_text, free_question_text
from serving.requests import AskedChunk, read_chunk, read_question, read_words
from serving.retiring import retiring
from serving.sampling import Sampling
from serving.structured import JsonShape, produce_json
from serving.yes_no import YesNoTokens, answer_of

from .engine import Completion, Conversation, Engine, Turn
from .loading import Loaded
from .preparing import Prepared, Preparer
from .sessions import MAX_CAPTIONS, Asked, Kept, Sessions, left_by
from .settings import Settings

MS_PER_S = 1_000
WARM_UP_TOKENS = 2
MAX_ASPECT = 200
"""Qwen's image processor refuses pictures that are longer."""

Prepare = Callable[[], Turn]


@dataclass(frozen=True)
class _Said:
    """A finished turn with its times."""

    text: str
    tokens: int
    yes_shares: list[float]
    turn: Turn
    decode_ms: float
    batched: Batched[Completion]

    def timing(self) -> dict[str, Any]:
        """Milliseconds by stage, and how many tokens the model remembered."""
        return {
            "queue_ms": round(self.batched.queue_ms, 1),
            "decode_ms": round(self.decode_ms, 1),
            "prefill_ms": round(self.batched.result.prefill_ms, 1),
            "generate_ms": round(self.batched.result.generate_ms, 1),
            "batch": self.batched.batch,
            "reused_tokens": self.batched.result.reused_tokens,
        }


class StreamingService:
    """One model, many wearers. All methods may run at once, on one event loop."""

    def __init__(self, loaded: Loaded, settings: Settings, retire: Callable[[], None]) -> None:
        """``retire`` is called when the GPU has failed for good: no later call can succeed."""
        self._settings = settings
        self._tokenizer = loaded.tokenizer
        self._sampling = Sampling(settings.temperature, settings.top_p)
        self._limits = limits_of(settings, MAX_ASPECT)
        # One pool for the pieces (a frame each), one for the requests that wait for their pieces:
        # a request that waited for pieces in the pool it occupies could wait for ever.
        self._frame_pool = ThreadPoolExecutor(settings.decode_threads, "streaming-frame")
        self._request_pool = ThreadPoolExecutor(settings.decode_threads, "streaming-request")
        self._preparer = Preparer(loaded, self._frame_pool, settings.max_prompt_tokens)
        self.engine = Engine(
            loaded.model,
            YesNoTokens.of(loaded.tokenizer),
            _end_tokens(loaded),
            question_batch=settings.question_batch,
        )
        # One at a time: conversations differ in length, and a turn that fails must not run twice,
        # as the first attempt has changed its conversation.
        self._batcher: Batcher[Turn, Completion] = Batcher(
            retiring(self.engine.run, retire),
            window_ms=0,
            max_batch=1,
            max_waiting=settings.max_waiting,
        )
        self._sessions: Sessions[Conversation] = Sessions(
            max_sessions=settings.max_sessions,
            max_tokens=settings.max_kept_tokens,
            idle_s=settings.session_idle_seconds,
        )

    async def infer_chunk(
        self,
        frames: object,
        start_ts_s: object,
        end_ts_s: object,
        prompt: object,
        history: object = None,
        session_id: object = "",
        questions: object = None,
    ) -> dict[str, Any]:
        """Describes one chunk and answers conditions about it (M1, M2).

        Args:
            frames: encoded pictures, oldest first.
            start_ts_s: seconds since the stream began; comes back as ``chunk_start_s``.
            end_ts_s: likewise.
            prompt: what to look for.
            history: earlier captions, oldest first.
            session_id: names the stream; empty for none, of which nothing is kept.
            questions: conditions, ``[{"id", "text"}]``.

        Raises:
            BadArgument, NoFrameDecodable, PromptTooLong, Overloaded.
        """
        began_s = time.perf_counter()
        asked = read_chunk(
            self._settings,
            frames,
            start_ts_s,
            end_ts_s,
            prompt,
            history,
            session_id,
            questions,
            newest=MAX_CAPTIONS,
        )
        if not asked.frames:
            return asked.described("", 0, 0)
        place = Asked(asked.prompt, asked.start_s, asked.end_s, tuple(asked.history))
        kept = self._continued(asked.session_id, place)
        said = await self._run(lambda: self._turn(asked, kept))
        self._keep(asked.session_id, place, said)
        answers = [
            answer_of(condition.id, share)
            for condition, share in zip(asked.conditions, said.yes_shares, strict=True)
        ]
        return asked.described(
            said.text,
            _ms_since(began_s),
            said.tokens,
            timing=said.timing(),
            **({"answers": answers} if answers else {}),
        )

    async def answer(
        self, frames: object, question: object, history: object = None
    ) -> dict[str, Any]:
        """Answers a question about frames in words. At least one frame must be decodable."""
        began_s = time.perf_counter()
        limits = self._settings
        asked = read_question(limits, frames, question, history)

        def prepare() -> Turn:
            seen = self._preparer.see(decode_frames(asked.frames, self._limits, self._frame_pool))
            text = free_question_text(asked.question, asked.history)
            prepared = self._preparer.about_pictures(
                seen, text, max_new_tokens=limits.max_answer_tokens, sampling=self._sampling
            )
            return Turn(prepared, Conversation())

        said = await self._run(prepare)
        return {
            "text": said.text,
            "latency_ms": _ms_since(began_s),
            "tokens_generated": said.tokens,
            "timing": said.timing(),
            "model": limits.model_id,
        }

    async def generate(
        self, messages: object, schema: object = None, max_tokens: object = None
    ) -> Any:
        """Continues a chat: its text, or with a schema the JSON value, which validates.

        Raises:
            BadArgument: an argument cannot be used, the schema included.
            JsonNotProduced: no valid JSON in two attempts.
        """
        asked = read_words(self._settings, messages, max_tokens)

        async def say(turns: Sequence[tuple[str, str]]) -> str:
            return await self._continue(turns, asked.max_tokens)

        if schema is None:
            return await say(asked.turns)
        return await produce_json(JsonShape(schema), asked.turns, say)

    def warm_up(self) -> None:
        """Pictures, one question, a few words: what is made at first use is made now."""
        picture = Image.new("RGB", (self._limits.max_edge, self._limits.max_edge))
        prepared = self._preparer.about_pictures(
            self._preparer.see([picture] * self._limits.max_frames),
            caption_text("", []),
            max_new_tokens=WARM_UP_TOKENS,
            conditions=[""],
        )
        self.engine.run([Ticket(Turn(prepared, Conversation()), time.perf_counter())])

    async def close(self) -> None:
        """Ends the batcher and the threads. Calls that wait fail."""
        await self._batcher.close()
        self._sessions.clear()
        self._frame_pool.shutdown(wait=False, cancel_futures=True)
        self._request_pool.shutdown(wait=False, cancel_futures=True)

    def _continued(self, session: str, asked: Asked) -> Kept[Conversation] | None:
        """The conversation that a chunk continues, now in this call's hands alone."""
        kept = self._sessions.take(session)
        follows = kept is not None and kept.is_continued_by(asked, self._settings.max_gap_seconds)
        return kept if follows else None

    def _turn(self, asked: AskedChunk, kept: Kept[Conversation] | None) -> Turn:
        """The next turn of what is kept, or the first of a conversation that knows the captions."""
        limits = self._settings
        seen = self._preparer.see(decode_frames(asked.frames, self._limits, self._frame_pool))

        def about(history: Sequence[str], *, continues: bool) -> Prepared:
            return self._preparer.about_pictures(
                seen,
                caption_text(asked.prompt, history),
                max_new_tokens=limits.max_new_tokens,
                continues=continues,
                sampling=self._sampling,
                conditions=[condition.text for condition in asked.conditions],
            )

        if kept is not None:
            prepared = about([], continues=True)
            length = kept.state.tokens + len(prepared.token_ids) + limits.max_new_tokens
            if length <= limits.max_session_tokens:
                return Turn(prepared, kept.state)
        newest = asked.history[max(0, len(asked.history) - limits.max_history) :]
        return Turn(about(newest, continues=False), Conversation())

    def _keep(self, session: str, asked: Asked, said: _Said) -> None:
        # Callers do not remember empty captions, so nothing could follow one.
        if said.text != "":
            grown = said.turn.conversation
            self._sessions.put(session, left_by(asked, said.text, grown, grown.tokens))

    async def _continue(self, turns: Sequence[tuple[str, str]], max_new_tokens: int) -> str:
        def prepare() -> Turn:
            prepared = self._preparer.chat(
                turns, max_new_tokens=max_new_tokens, sampling=self._sampling
            )
            return Turn(prepared, Conversation())

        return (await self._run(prepare)).text

    async def _run(self, prepare: Prepare) -> _Said:
        began_s = time.perf_counter()
        turn = await asyncio.get_running_loop().run_in_executor(self._request_pool, prepare)
        decode_ms = (time.perf_counter() - began_s) * MS_PER_S
        batched = await self._batcher.submit(turn)
        said = batched.result
        return _Said(
            text=spoken(self._tokenizer, said.token_ids),
            tokens=len(said.token_ids),
            yes_shares=said.yes_shares,
            turn=turn,
            decode_ms=decode_ms,
            batched=batched,
        )


def _end_tokens(loaded: Loaded) -> frozenset[int]:
    ends = loaded.model.generation_config.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [ends])


def _ms_since(began_s: float) -> int:
    return round((time.perf_counter() - began_s) * MS_PER_S)
