"""Runs turns of conversations: what came before is in the cache, only what is new is calculated.

A turn behind a kept cache gives, in float32, the tokens that the whole conversation gives when it
is calculated in one piece. Qwen numbers positions by time, height and width, and a picture takes
fewer positions than tokens; so a conversation carries the position that comes next, beside its
cache, and a turn's own positions are counted from there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.cache_utils import Cache, DynamicCache

from serving.batcher import Ticket
from serving.sampling import Drawer
from serving.yes_no import YesNoTokens

from .preparing import Prepared, Seen

MS_PER_S = 1_000
POSITION_AXES = 3


@dataclass
class Conversation:
    """What the model remembers. It changes with each turn, so only one call may hold it."""

    # Without a configuration: all tokens stay, in place.
    cache: Cache = field(default_factory=DynamicCache)
    next_position: int = 0
    unfed: list[int] = field(default_factory=list)
    """Said, but not in the cache yet: it takes a step to bring a token there."""

    @property
    def tokens(self) -> int:
        """Length so far."""
        return self.cache.get_seq_length() + len(self.unfed)


@dataclass(frozen=True)
class Turn:
    """What is asked, and the conversation that it continues, which may be empty."""

    prepared: Prepared
    conversation: Conversation


@dataclass(frozen=True)
class Completion:
    """What the model said. The conversation has grown by question and answer."""

    token_ids: list[int]
    """Without the token that ends the answer."""
    yes_shares: list[float]
    """For each question, the probability of yes among yes and no, 0 to 1."""
    reused_tokens: int
    """Those of the conversation before the turn, which were not calculated again."""
    prefill_ms: float
    generate_ms: float
    """Words and questions."""


@dataclass(frozen=True)
class _Fork:
    """Where the questions part from the turn: behind its last picture."""

    tokens: int
    position: int


class Engine:
    """One model on one device. Not safe to share between threads: the batcher's thread owns it."""

    def __init__(
        self,
        model: Qwen2_5_VLForConditionalGeneration,
        yes_no: YesNoTokens,
        end_tokens: frozenset[int],
        *,
        question_batch: int,
    ) -> None:
        self._model = model
        self._yes_no = yes_no
        self._end_tokens = end_tokens
        self._question_batch = question_batch

    def move(self, device: torch.device) -> None:
        """Brings the weights to another device."""
        self._model.to(device)

    def run(self, tickets: Sequence[Ticket[Turn]]) -> list[Completion]:
        """Runs turns one after the other.

        A turn that is cancelled on the way costs no further steps; its result means nothing.
        """
        return [self._run_one(ticket) for ticket in tickets]

    @torch.inference_mode()
    def _run_one(self, ticket: Ticket[Turn]) -> Completion:
        began_s = time.perf_counter()
        prepared, conversation = ticket.request.prepared, ticket.request.conversation
        before = conversation.tokens
        logits, fork = self._read(conversation, prepared)
        self._wait_for_device()
        prefilled_s = time.perf_counter()
        said = self._say(ticket, logits)
        shares = [] if ticket.cancelled else self._answer(conversation, fork, prepared.questions)
        ended_s = time.perf_counter()
        return Completion(
            token_ids=said,
            yes_shares=shares,
            reused_tokens=before,
            prefill_ms=(prefilled_s - began_s) * MS_PER_S,
            generate_ms=(ended_s - prefilled_s) * MS_PER_S,
        )

    def _read(self, conversation: Conversation, prepared: Prepared) -> tuple[torch.Tensor, _Fork]:
        """Brings a turn into the cache. Returns ``[1, vocabulary]`` for the next token."""
        before = conversation.tokens
        token_ids = torch.tensor([[*conversation.unfed, *prepared.token_ids]])
        positions = self._positions(token_ids, prepared.seen) + conversation.next_position
        conversation.unfed = []
        conversation.next_position = int(positions.max()) + 1
        seen = prepared.seen
        pictures = (
            {}
            if seen is None
            else {
                "pixel_values": seen.pixels.to(self._model.device, self._model.dtype),
                "image_grid_thw": seen.grids.to(self._model.device),
            }
        )
        logits = self._step(conversation, token_ids, positions, pictures)
        # Words follow the last picture, so the turn ends alike on all axes, and so does a question.
        behind = len(prepared.token_ids) - prepared.shared_tokens
        return logits, _Fork(before + prepared.shared_tokens, conversation.next_position - behind)

    def _positions(self, token_ids: torch.Tensor, seen: Seen | None) -> torch.Tensor:
        """``[axes, 1, tokens]``, counted from where the tokens begin."""
        pictures = (token_ids == self._model.config.image_token_id).int()
        positions, _ = self._model.model.get_rope_index(
            token_ids, pictures, image_grid_thw=None if seen is None else seen.grids
        )
        return positions

    def _say(self, ticket: Ticket[Turn], logits: torch.Tensor) -> list[int]:
        """The tokens up to the end token, the limit or the cancellation."""
        prepared, conversation = ticket.request.prepared, ticket.request.conversation
        drawer = Drawer([prepared.sampling])
        said: list[int] = []
        while True:
            token = int(drawer.draw(logits)[0])
            if token in self._end_tokens:
                return said
            said.append(token)
            if len(said) >= prepared.max_new_tokens or ticket.cancelled:
                conversation.unfed = [token]
                return said
            positions = torch.full((POSITION_AXES, 1, 1), conversation.next_position)
            conversation.next_position += 1
            logits = self._step(conversation, torch.tensor([[token]]), positions, {})

    def _answer(
        self, conversation: Conversation, fork: _Fork, questions: tuple[list[int], ...]
    ) -> list[float]:
        """The share of yes for each question."""
        shares: list[float] = []
        for start in range(0, len(questions), self._question_batch):
            shares += self._ask(conversation, fork, questions[start : start + self._question_batch])
        return shares

    def _ask(
        self, conversation: Conversation, fork: _Fork, questions: tuple[list[int], ...]
    ) -> list[float]:
        """Answers questions side by side, each in the place of what followed the pictures."""
        rows, length = len(questions), max(map(len, questions))
        copies = DynamicCache()
        for index, layer in enumerate(conversation.cache.layers):
            shared = (layer.keys[:, :, : fork.tokens], layer.values[:, :, : fork.tokens])
            copies.update(*(part.expand(rows, -1, -1, -1) for part in shared), index)
        # Padded behind, where no real token looks.
        token_ids = torch.tensor(
            [question + [0] * (length - len(question)) for question in questions]
        )
        positions = (fork.position + torch.arange(length)).expand(POSITION_AXES, rows, -1)
        last = torch.tensor([len(question) - 1 for question in questions])
        kept, place = last.unique(return_inverse=True)
        logits = self._model(
            input_ids=token_ids.to(self._model.device),
            position_ids=positions.to(self._model.device),
            past_key_values=copies,
            use_cache=True,
            logits_to_keep=kept.to(self._model.device),
        ).logits
        return self._yes_no.shares(logits[torch.arange(rows), place])

    def _step(
        self,
        conversation: Conversation,
        token_ids: torch.Tensor,
        positions: torch.Tensor,
        pictures: dict[str, torch.Tensor],
    ) -> torch.Tensor:
        return self._model(
            input_ids=token_ids.to(self._model.device),
            position_ids=positions.to(self._model.device),
            past_key_values=conversation.cache,
            use_cache=True,
            logits_to_keep=1,
            **pictures,
        ).logits[:, -1]

    def _wait_for_device(self) -> None:
        """Lets the clock see what a GPU does on its own."""
        if self._model.device.type == "cuda":
            torch.cuda.synchronize(self._model.device)
