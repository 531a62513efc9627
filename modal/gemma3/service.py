"""The methods of ``Gemma3VLMSession`` (WIRE M), without Modal.

Nothing is kept between calls. ``session_id`` is taken and not used: no state hangs on it, so any
container can answer any call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from PIL import Image

from serving.arguments import Condition
from serving.batcher import Batched, Batcher, Ticket
from serving.frames import decode_frames, limits_of
from serving.plain import spoken
from serving.prompts import Message, caption_text, free_question_text
from serving.requests import read_chunk, read_question, read_words
from serving.retiring import retiring
from serving.sampling import Sampling
from serving.structured import JsonShape, produce_json
from serving.yes_no import YesNoTokens, answer_of

from .decoding import Compiling
from .engine import Completion, Engine
from .loading import Loaded
from .preparing import Prepared, Preparer
from .settings import Settings

MS_PER_S = 1_000
WARM_UP_TOKENS = 2
COMPILE_WISHES = {"auto": None, "on": True, "off": False}


@dataclass(frozen=True)
class _Said:
    """A finished request with its times."""

    text: str
    tokens: int
    answers: list[dict[str, Any]]
    decode_ms: float
    batched: Batched[Completion]

    def timing(self) -> dict[str, Any]:
        """Milliseconds by stage, and how many requests shared the batch."""
        return {
            "queue_ms": round(self.batched.queue_ms, 1),
            "decode_ms": round(self.decode_ms, 1),
            "vision_ms": round(self.batched.result.vision_ms, 1),
            "prefill_ms": round(self.batched.result.prefill_ms, 1),
            "generate_ms": round(self.batched.result.generate_ms, 1),
            "batch": self.batched.batch,
        }


class Gemma3Service:
    """One model, many wearers. All methods may run at once, on one event loop."""

    def __init__(self, loaded: Loaded, settings: Settings, retire: Callable[[], None]) -> None:
        """``retire`` is called when the GPU has failed for good: no later call can succeed."""
        tokenizer = loaded.processor.tokenizer
        self._settings = settings
        self._tokenizer = tokenizer
        self._sampling = Sampling(settings.temperature, settings.top_p)
        self._limits = limits_of(settings)
        # One pool for the pieces (a frame each), one for the requests that wait for their pieces:
        # a request that waited for pieces in the pool it occupies could wait for ever.
        self._frame_pool = ThreadPoolExecutor(settings.decode_threads, "gemma3-frame")
        self._request_pool = ThreadPoolExecutor(settings.decode_threads, "gemma3-request")
        self._preparer = Preparer(loaded.processor, self._frame_pool, settings.max_prompt_tokens)
        self.engine = Engine(
            loaded.model,
            YesNoTokens.of(tokenizer),
            _end_tokens(loaded),
            vision_batch=settings.vision_batch,
            max_rows=settings.max_batch,
            compiling=Compiling(COMPILE_WISHES[settings.compile]),
        )
        self._batcher: Batcher[Prepared, Completion] = Batcher(
            # Looked up at each run, so that a test can put another in its place.
            retiring(lambda tickets: self.engine.run(tickets), retire),
            window_ms=settings.batch_window_ms,
            max_batch=settings.max_batch,
            max_waiting=settings.max_waiting,
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
            session_id: names the stream; nothing hangs on it.
            questions: conditions, ``[{"id", "text"}]``.

        Raises:
            BadArgument, NoFrameDecodable, PromptTooLong, Overloaded.
        """
        began_s = time.perf_counter()
        limits = self._settings
        asked = read_chunk(
            limits,
            frames,
            start_ts_s,
            end_ts_s,
            prompt,
            history,
            session_id,
            questions,
            newest=limits.max_history,
        )
        if not asked.frames:
            return asked.described("", 0, 0)
        text = caption_text(asked.prompt, asked.history)
        said = await self._about(asked.frames, text, limits.max_new_tokens, asked.conditions)
        return asked.described(
            said.text,
            _ms_since(began_s),
            said.tokens,
            timing=said.timing(),
            **({"answers": said.answers} if asked.conditions else {}),
        )

    async def answer(
        self, frames: object, question: object, history: object = None
    ) -> dict[str, Any]:
        """Answers a question about frames in words. At least one frame must be decodable."""
        began_s = time.perf_counter()
        limits = self._settings
        asked = read_question(limits, frames, question, history)
        text = free_question_text(asked.question, asked.history)
        said = await self._about(asked.frames, text, limits.max_answer_tokens, [])
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
        if schema is None:
            return await self._continue(asked.turns, asked.max_tokens)
        return await produce_json(
            JsonShape(schema), asked.turns, lambda turns: self._continue(turns, asked.max_tokens)
        )

    def warm_up(self) -> None:
        """One picture, one question, a few words: what is made at first use is made now."""
        picture = Image.new("RGB", (self._limits.max_edge, self._limits.max_edge))
        prepared = self._preparer.about_pictures(
            [picture] * self._limits.max_frames,
            caption_text("", []),
            max_new_tokens=WARM_UP_TOKENS,
            conditions=[""],
        )
        # One row and several are compiled apart.
        for rows in (1, 2) if self.engine.compiles else (1,):
            tickets = [Ticket(prepared, time.perf_counter()) for _ in range(rows)]
            self.engine.run(tickets, may_end=False)

    async def close(self) -> None:
        """Ends the batcher and the threads. Calls that wait fail."""
        await self._batcher.close()
        self._frame_pool.shutdown(wait=False, cancel_futures=True)
        self._request_pool.shutdown(wait=False, cancel_futures=True)

    async def _about(
        self, frames: list[bytes], text: str, max_new_tokens: int, conditions: list[Condition]
    ) -> _Said:
        began_s = time.perf_counter()

        def prepare() -> Prepared:
            pictures = decode_frames(frames, self._limits, self._frame_pool)
            return self._preparer.about_pictures(
                pictures,
                text,
                max_new_tokens=max_new_tokens,
                sampling=self._sampling,
                conditions=[condition.text for condition in conditions],
            )

        prepared = await self._in_request_pool(prepare)
        decode_ms = (time.perf_counter() - began_s) * MS_PER_S
        batched = await self._batcher.submit(prepared)
        answers = [
            answer_of(condition.id, share)
            for condition, share in zip(conditions, batched.result.yes_shares, strict=True)
        ]
        tokens = batched.result.token_ids
        return _Said(self._text(tokens), len(tokens), answers, decode_ms, batched)

    async def _continue(self, turns: Sequence[tuple[str, str]], max_new_tokens: int) -> str:
        messages: list[Message] = [
            {"role": role, "content": [{"type": "text", "text": words}]} for role, words in turns
        ]
        prepared = await self._in_request_pool(
            lambda: self._preparer.chat(
                messages, max_new_tokens=max_new_tokens, sampling=self._sampling
            )
        )
        batched = await self._batcher.submit(prepared)
        return self._text(batched.result.token_ids)

    async def _in_request_pool(self, work: Any) -> Prepared:
        return await asyncio.get_running_loop().run_in_executor(self._request_pool, work)

    def _text(self, token_ids: list[int]) -> str:
        return spoken(self._tokenizer, token_ids)


def _end_tokens(loaded: Loaded) -> frozenset[int]:
    ends = loaded.model.generation_config.eos_token_id
    if ends is None:
        return frozenset()
    return frozenset(ends if isinstance(ends, list) else [ends])


def _ms_since(began_s: float) -> int:
    return round((time.perf_counter() - began_s) * MS_PER_S)
