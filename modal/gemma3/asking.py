"""Yes or no about pictures that are in the cache already: no picture is encoded twice.

All layers keep their keys and values in full, those of sliding layers too (the mask does the
sliding). So the pictures' part of a row can be taken out of a finished cache, whatever was
generated behind it, and every question gets a fork of its own.
"""

from __future__ import annotations

import torch
from transformers import Gemma3ForConditionalGeneration
from transformers.cache_utils import Cache, DynamicCache

from serving.yes_no import YesNoTokens

from .batch import Batch


class Asker:
    """Answers the questions of a batch behind its generation."""

    def __init__(
        self, model: Gemma3ForConditionalGeneration, yes_no: YesNoTokens, max_rows: int
    ) -> None:
        self._model = model
        self._yes_no = yes_no
        self._max_rows = max_rows

    def answer(self, batch: Batch, cache: Cache) -> list[list[float]]:
        """For each row the share of yes, 0 to 1, for each of its questions."""
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

    def _ask(self, batch: Batch, cache: Cache, asked: list[tuple[int, list[int]]]) -> list[float]:
        """Answers questions ``(row, tokens)`` side by side, each behind its row's pictures."""
        device = batch.token_ids.device
        shared = [batch.tickets[row].request.shared_tokens for row, _ in asked]
        fork = _fork(batch, cache, [row for row, _ in asked], shared)
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


def _fork(batch: Batch, cache: Cache, rows: list[int], shared: list[int]) -> Cache:
    """A new cache with the first ``shared`` tokens of each of ``rows``, padded on the left."""
    width = max(shared)
    starts = (batch.width - batch.lengths).tolist()
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
