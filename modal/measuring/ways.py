"""Two ways to answer the same chunk: the class as it is deployed, and the plain approach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from gemma3.preparing import Prepared, Preparer
from gemma3.service import Gemma3Service
from gemma3.settings import Settings
from serving.frames import FrameLimits, decode_frames
from serving.prompts import caption_text

from .subjects import Subject

MS_PER_S = 1_000
Way = Callable[[list[bytes]], Awaitable[dict[str, Any]]]
"""From the frames of a chunk to an answer with ``tokens_generated`` and ``timing``."""


def served(service: Gemma3Service, prompt: str) -> Way:
    """As the edge calls it: batches, compiled where the settings say so."""
    return lambda frames: service.infer_chunk(frames, 0, 1, prompt)


class Plain:
    """What one writes first: one request at a time, transformers' ``generate``, a growing cache."""

    def __init__(self, subject: Subject, settings: Settings, prompt: str) -> None:
        self._model, self._processor = subject.loaded.model, subject.loaded.processor
        self._settings = settings
        self._prompt = prompt
        self._turn = asyncio.Lock()
        self._pool = ThreadPoolExecutor(settings.decode_threads)
        self._preparer = Preparer(self._processor, self._pool, settings.max_prompt_tokens)

    async def __call__(self, frames: list[bytes]) -> dict[str, Any]:
        """Answers when all that came before are answered."""
        async with self._turn:
            return await asyncio.to_thread(self._answer, frames)

    def prompt_tokens(self, frames: list[bytes]) -> int:
        """How long the prompt is, with its pictures."""
        return len(self._prepare(frames).token_ids)

    @torch.inference_mode()
    def _answer(self, frames: list[bytes]) -> dict[str, Any]:
        request = self._prepare(frames)
        device = self._model.device
        began_s = time.perf_counter()
        # The attention that transformers takes by itself; the other way's is put back behind it.
        usual = self._model.config.text_config._attn_implementation
        self._model.set_attn_implementation({"text_config": "sdpa"})
        output = self._model.generate(
            input_ids=torch.tensor([request.token_ids], device=device),
            attention_mask=torch.ones(1, len(request.token_ids), dtype=torch.long, device=device),
            token_type_ids=torch.tensor([request.token_types], device=device),
            pixel_values=request.pixels.to(device, self._model.dtype),
            max_new_tokens=request.max_new_tokens,
            do_sample=False,
        )[0, len(request.token_ids) :].tolist()
        self._model.set_attn_implementation({"text_config": usual})
        spent_ms = (time.perf_counter() - began_s) * MS_PER_S
        return {"tokens_generated": len(output), "timing": {"generate_ms": spent_ms}}

    def _prepare(self, frames: list[bytes]) -> Prepared:
        limits = FrameLimits(
            max_frames=self._settings.max_frames_per_chunk,
            max_edge=self._settings.max_frame_edge,
            max_pixels=self._settings.max_frame_pixels,
            max_bytes=self._settings.max_frame_bytes,
        )
        return self._preparer.about_pictures(
            decode_frames(frames, limits, self._pool),
            caption_text(self._prompt, []),
            max_new_tokens=self._settings.max_new_tokens,
        )
