"""Runs prepared requests as one padded batch: pictures once, prompts once, then word by word.

Positions count a row's own tokens, so padding changes nothing in a row: in float32 a batch gives
the tokens that each request gets alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import Gemma3ForConditionalGeneration
from transformers.cache_utils import Cache, StaticLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling

from serving.batcher import Ticket
from serving.sampling import Drawer
from serving.yes_no import YesNoTokens

from .asking import Asker
from .batch import Batch, collate
from .decoding import Compiling, step_of
from .preparing import Prepared

MS_PER_S = 1_000


@dataclass(frozen=True)
class Completion:
    """What the model said to one request. Times are of the whole batch."""

    token_ids: list[int]
    """Without the token that ends the answer."""
    yes_shares: list[float]
    """For each question, the probability of yes among yes and no, 0 to 1."""
    vision_ms: float
    """Pictures; part of ``prefill_ms``."""
    prefill_ms: float
    """Pictures and prompt."""
    generate_ms: float
    """Words and questions."""


class Engine:
    """One model on one device. Not safe to share between threads: the batcher's thread owns it."""

    def __init__(
        self,
        model: Gemma3ForConditionalGeneration,
        yes_no: YesNoTokens,
        end_tokens: frozenset[int],
        *,
        vision_batch: int,
        max_rows: int,
        compiling: Compiling,
    ) -> None:
        self._model = model
        self._end_tokens = end_tokens
        self._vision_batch = vision_batch
        self._asker = Asker(model, yes_no, max_rows)
        self._compiling = compiling
        self._step = step_of(model, compiling)

    @property
    def compiles(self) -> bool:
        """Whether words come from compiled code, where the model is now."""
        return self._compiling.pays_on(self._model.device)

    def move(self, device: torch.device) -> None:
        """Brings the weights to another device."""
        self._model.to(device)
        self._step = step_of(self._model, self._compiling)

    @torch.inference_mode()
    def run(self, tickets: Sequence[Ticket[Prepared]], *, may_end: bool = True) -> list[Completion]:
        """Runs all requests together; results in the same order.

        A request that is cancelled on the way costs no further steps; its result means nothing.
        Unless it ``may_end``, every row goes on to its limit, end token or not.
        """
        began_s = time.perf_counter()
        batch = collate(tickets, self._model.device)
        cache = self._empty_cache(batch)
        seen = self._see(batch.pixels())
        seen_s = self._now_s()
        logits = self._prefill(batch, cache, seen)
        prefilled_s = self._now_s()
        said = self._generate(batch, cache, logits, self._end_tokens if may_end else frozenset())
        shares = self._asker.answer(batch, cache)
        ended_s = time.perf_counter()
        return [
            Completion(
                token_ids=token_ids,
                yes_shares=row_shares,
                vision_ms=(seen_s - began_s) * MS_PER_S,
                prefill_ms=(prefilled_s - began_s) * MS_PER_S,
                generate_ms=(ended_s - prefilled_s) * MS_PER_S,
            )
            for token_ids, row_shares in zip(said, shares, strict=True)
        ]

    def _empty_cache(self, batch: Batch) -> Cache:
        """Room for the prompts and what may be said: a cache that grows copies itself each step.

        A fresh one each time: nothing of one request can be left for another.
        """
        layers = self._model.config.get_text_config().num_hidden_layers
        return Cache(layers=[StaticLayer(batch.length) for _ in range(layers)])

    def _see(self, pixels: list[torch.Tensor]) -> dict[str, BaseModelOutputWithPooling] | None:
        """Encodes pictures, in portions that bound the memory."""
        if not pixels:
            return None
        seen = [
            self._model.get_image_features(
                portion.to(self._model.device, self._model.dtype), return_dict=True
            ).pooler_output
            for portion in torch.cat(pixels).split(self._vision_batch)
        ]
        return {"image": BaseModelOutputWithPooling(pooler_output=torch.cat(seen))}

    def _prefill(
        self, batch: Batch, cache: Cache, seen: dict[str, BaseModelOutputWithPooling] | None
    ) -> torch.Tensor:
        """Fills the cache with the prompts. Returns ``[rows, vocabulary]`` for the next token."""
        output = self._model(
            input_ids=batch.token_ids,
            token_type_ids=batch.token_types,
            attention_mask=batch.mask,
            position_ids=batch.positions(),
            mm_encoder_outputs=seen,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1]

    def _generate(
        self, batch: Batch, cache: Cache, logits: torch.Tensor, end_tokens: frozenset[int]
    ) -> list[list[int]]:
        """The tokens of each row, up to its end token, its limit or its cancellation."""
        said: list[list[int]] = [[] for _ in range(batch.rows)]
        open_rows = set(range(batch.rows))
        drawer = Drawer([ticket.request.sampling for ticket in batch.tickets])
        for step in range(batch.steps):
            tokens = drawer.draw(logits)
            for row, token in enumerate(tokens.tolist()):
                ticket = batch.tickets[row]
                if row not in open_rows:
                    continue
                if token in end_tokens or ticket.cancelled:
                    open_rows.remove(row)
                    continue
                said[row].append(token)
                if len(said[row]) >= ticket.request.max_new_tokens:
                    open_rows.remove(row)
            if not open_rows:
                break
            positions = (batch.lengths + step)[:, None]
            logits = self._step(tokens[:, None], positions, batch.mask, cache)
        return said

    def _now_s(self) -> float:
        """The time when the device has done what it was told so far."""
        if self._model.device.type == "cuda":
            torch.cuda.synchronize(self._model.device)
        return time.perf_counter()
