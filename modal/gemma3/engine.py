"""Runs prepared requests as one padded batch: pictures once, prompts once, then word by word.

Rows are padded on the left, so that they all end, and go on, at the same place. Positions count a
row's own tokens, so padding changes nothing in a row: in float32 a batch gives the tokens that each
request gets alone.

Keys and values of all layers are kept in full and in place, those of sliding layers too (the mask
does the sliding). That costs memory, and lets the questions take the pictures' part of a row out of
the finished cache, whatever was generated behind it, instead of encoding the pictures again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import Gemma3ForConditionalGeneration
from transformers.cache_utils import Cache, DynamicCache, StaticLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling

from serving.batcher import Ticket
from serving.sampling import Drawer
from serving.yes_no import YesNoTokens

from .preparing import Prepared

MS_PER_S = 1_000


@dataclass(frozen=True)
class Completion:
    """What the model said to one request."""

    token_ids: list[int]
    """Without the token that ends the answer."""
    yes_shares: list[float]
    """For each question, the probability of yes among yes and no, 0 to 1."""
    prefill_ms: float
    """Of the whole batch: pictures and prompt."""
    generate_ms: float
    """Of the whole batch: words and questions."""


@dataclass
class _Batch:
    """Requests side by side. ``rows`` is their number, ``width`` the longest prompt in tokens."""

    tickets: Sequence[Ticket[Prepared]]
    token_ids: torch.Tensor
    """``[rows, width]``"""
    token_types: torch.Tensor
    """``[rows, width]``"""
    mask: torch.Tensor
    """``[rows, width]``, 1 where there is a token of the row."""
    lengths: torch.Tensor
    """``[rows]``, tokens of each prompt."""


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
    ) -> None:
        self._model = model
        self._yes_no = yes_no
        self._end_tokens = end_tokens
        self._vision_batch = vision_batch
        self._max_rows = max_rows

    def move(self, device: torch.device) -> None:
        """Brings the weights to another device."""
        self._model.to(device)

    @torch.inference_mode()
    def run(self, tickets: Sequence[Ticket[Prepared]]) -> list[Completion]:
        """Runs all requests together; results in the same order.

        A request that is cancelled on the way costs no further steps; its result means nothing.
        """
        began_s = time.perf_counter()
        batch = self._collate(tickets)
        cache = self._empty_cache(batch)
        logits = self._prefill(batch, cache)
        self._wait_for_device()
        prefilled_s = time.perf_counter()
        said = self._generate(batch, cache, logits)
        shares = self._answer(batch, cache)
        ended_s = time.perf_counter()
        return [
            Completion(
                token_ids=token_ids,
                yes_shares=row_shares,
                prefill_ms=(prefilled_s - began_s) * MS_PER_S,
                generate_ms=(ended_s - prefilled_s) * MS_PER_S,
            )
            for token_ids, row_shares in zip(said, shares, strict=True)
        ]

    def _collate(self, tickets: Sequence[Ticket[Prepared]]) -> _Batch:
        rows = [ticket.request for ticket in tickets]
        width = max(len(row.token_ids) for row in rows)

        def padded(values: Callable[[Prepared], list[int]]) -> torch.Tensor:
            return torch.tensor(
                [[0] * (width - len(row.token_ids)) + values(row) for row in rows],
                device=self._model.device,
            )

        mask = padded(lambda row: [1] * len(row.token_ids))
        return _Batch(
            tickets=tickets,
            token_ids=padded(lambda row: row.token_ids),
            token_types=padded(lambda row: row.token_types),
            mask=mask,
            lengths=mask.sum(dim=1),
        )

    def _empty_cache(self, batch: _Batch) -> Cache:
        """Room for the prompts and what may be said: a cache that grows copies itself each step."""
        most = max(ticket.request.max_new_tokens for ticket in batch.tickets)
        length = batch.mask.shape[1] + most
        layers = self._model.config.get_text_config().num_hidden_layers
        return Cache(layers=[StaticLayer(length) for _ in range(layers)])

    def _prefill(self, batch: _Batch, cache: Cache) -> torch.Tensor:
        """Fills the cache with the prompts. Returns ``[rows, vocabulary]`` for the next token."""
        pixels = [
            ticket.request.pixels for ticket in batch.tickets if ticket.request.pixels is not None
        ]
        output = self._model(
            input_ids=batch.token_ids,
            token_type_ids=batch.token_types,
            attention_mask=batch.mask,
            position_ids=(batch.mask.cumsum(dim=1) - 1).clamp(min=0),
            mm_encoder_outputs={"image": self._see(torch.cat(pixels))} if pixels else None,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1]

    def _see(self, pixels: torch.Tensor) -> BaseModelOutputWithPooling:
        """Encodes pictures, in portions that bound the memory."""
        seen = [
            self._model.get_image_features(
                portion.to(self._model.device, self._model.dtype), return_dict=True
            ).pooler_output
            for portion in pixels.split(self._vision_batch)
        ]
        return BaseModelOutputWithPooling(pooler_output=torch.cat(seen))

    def _generate(self, batch: _Batch, cache: Cache, logits: torch.Tensor) -> list[list[int]]:
        """The tokens of each row, up to its end token, its limit or its cancellation."""
        rows = len(batch.tickets)
        said: list[list[int]] = [[] for _ in range(rows)]
        open_rows = set(range(rows))
        drawer = Drawer([ticket.request.sampling for ticket in batch.tickets])
        mask, one_more = batch.mask, torch.ones_like(batch.mask[:, :1])
        for step in range(max(ticket.request.max_new_tokens for ticket in batch.tickets)):
            tokens = drawer.draw(logits)
            for row, token in enumerate(tokens.tolist()):
                ticket = batch.tickets[row]
                if row not in open_rows:
                    continue
                if token in self._end_tokens or ticket.cancelled:
                    open_rows.remove(row)
                    continue
                said[row].append(token)
                if len(said[row]) >= ticket.request.max_new_tokens:
                    open_rows.remove(row)
            if not open_rows:
                break
            mask = torch.cat([mask, one_more], dim=1)
            logits = self._model(
                input_ids=tokens[:, None],
                attention_mask=mask,
                position_ids=(batch.lengths + step)[:, None],
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]
        return said

    def _answer(self, batch: _Batch, cache: Cache) -> list[list[float]]:
        """For each row the share of yes for each of its questions."""
        shares: list[list[float]] = [[] for _ in batch.tickets]
        asked = [
            (row, question)
            for row, ticket in enumerate(batch.tickets)
            if not ticket.cancelled
            for question in ticket.request.questions
        ]
        for start in range(0, len(asked), self._max_rows):
            portion = asked[start : start + self._max_rows]
            for (row, _), share in zip(portion, self._ask(batch, cache, portion), strict=True):
                shares[row].append(share)
        return shares

    def _ask(self, batch: _Batch, cache: Cache, asked: list[tuple[int, list[int]]]) -> list[float]:
        """Answers questions ``(row, tokens)`` side by side, each behind its row's pictures."""
        device = batch.token_ids.device
        shared = [batch.tickets[row].request.shared_tokens for row, _ in asked]
        fork = self._fork(batch, cache, [row for row, _ in asked], shared)
        width, length = max(shared), max(len(question) for _, question in asked)
        # On the right here: nothing is generated behind, and the row stays in one piece.
        token_ids = torch.tensor(
            [question + [0] * (length - len(question)) for _, question in asked], device=device
        )
        mask = torch.tensor(
            [
                [0] * (width - prefix)
                + [1] * (prefix + len(question))
                + [0] * (length - len(question))
                for prefix, (_, question) in zip(shared, asked, strict=True)
            ],
            device=device,
        )
        starts = torch.tensor(shared, device=device)
        last = torch.tensor([len(question) - 1 for _, question in asked], device=device)
        kept, place = last.unique(return_inverse=True)
        logits = self._model(
            input_ids=token_ids,
            attention_mask=mask,
            position_ids=starts[:, None] + torch.arange(length, device=device),
            past_key_values=fork,
            use_cache=True,
            logits_to_keep=kept,
        ).logits
        return self._yes_no.shares(logits[torch.arange(len(asked), device=device), place])

    @staticmethod
    def _fork(batch: _Batch, cache: Cache, rows: list[int], shared: list[int]) -> Cache:
        """A new cache with the first ``shared`` tokens of each of ``rows``, padded on the left."""
        width = max(shared)
        starts = (batch.mask.shape[1] - batch.lengths).tolist()
        fork = DynamicCache()
        for index, layer in enumerate(cache.layers):
            parts = []
            for kept in (layer.keys, layer.values):
                part = kept.new_zeros((len(rows), kept.shape[1], width, kept.shape[3]))
                for place, (row, count) in enumerate(zip(rows, shared, strict=True)):
                    start = starts[row]
                    part[place, :, width - count :] = kept[row, :, start : start + count]
                parts.append(part)
            fork.update(*parts, index)
        return fork

    def _wait_for_device(self) -> None:
        """Lets the clock see what a GPU does on its own."""
        if self._model.device.type == "cuda":
            torch.cuda.synchronize(self._model.device)
