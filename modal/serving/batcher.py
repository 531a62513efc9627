"""Gathers requests for a few milliseconds and runs them as one batch, one batch at a time.

Knows nothing of models: it takes a function from a list of requests to a list of results. Each
result goes to the request in the same place and nowhere else, so nothing of one wearer can reach
another by way of the queue. A batch that fails is halved until the requests that break it stand
alone; the others get their results.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

MS_PER_S = 1_000

Request = TypeVar("Request")
Result = TypeVar("Result")


class Overloaded(RuntimeError):
    """More requests wait than may."""


class Closed(RuntimeError):
    """The batcher takes no more requests."""


@dataclass
class Ticket(Generic[Request]):
    """One request on its way. ``cancelled`` is read from the model's thread between steps."""

    request: Request
    arrived_s: float
    cancelled: bool = False


@dataclass(frozen=True)
class Batched(Generic[Result]):
    """A result, and how it came about."""

    result: Result
    queue_ms: float
    batch: int
    """Requests that ran together in the end."""


@dataclass
class _Waiting(Generic[Request, Result]):
    ticket: Ticket[Request]
    future: asyncio.Future[Batched[Result]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


Run = Callable[[Sequence[Ticket[Request]]], Sequence[Result]]


class Batcher(Generic[Request, Result]):
    """One queue, one thread for the model. Belongs to the event loop that first submits."""

    def __init__(
        self,
        run: Run[Request, Result],
        *,
        window_ms: int,
        max_batch: int,
        max_waiting: int,
    ) -> None:
        self._run = run
        self._window_s = window_ms / MS_PER_S
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting[Request, Result]] = deque()
        self._arrival: asyncio.Event | None = None
        self._serving: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False

    async def submit(self, request: Request) -> Batched[Result]:
        """Runs one request with whoever else is there.

        Cancelling this call takes the request out of the queue, or lets the running batch go on
        without it.

        Raises:
            Overloaded: too many wait.
            Closed: after :meth:`close`.
            Exception: what the model raised for this request alone.
        """
        self._refuse_if_unable()
        self._start()
        waiting: _Waiting[Request, Result] = _Waiting(Ticket(request, time.perf_counter()))
        self._waiting.append(waiting)
        assert self._arrival is not None
        self._arrival.set()
        try:
            return await waiting.future
        finally:
            # Cancelled or done: in both cases nobody waits for more steps of it.
            waiting.ticket.cancelled = True

    async def close(self) -> None:
        """Lets the running batch end, fails what still waits, stops the thread."""
        self._closed = True
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        for waiting in self._waiting:
            _settle(
                waiting, Closed("Cannot run the request as the model must be open: it is closed")
            )
        self._waiting.clear()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)

    def _refuse_if_unable(self) -> None:
        if self._closed:
            raise Closed("Cannot take a request as the model must be open: it is closed")
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(
                f"Cannot take a request as fewer than {self._max_waiting} must wait: "
                f"current value is {len(self._waiting)}"
            )

    def _start(self) -> None:
        # Not in __init__: a memory snapshot is taken before there is a loop to belong to.
        if self._serving is None:
            self._arrival = asyncio.Event()
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
            self._serving = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        assert self._arrival is not None
        while True:
            await self._arrival.wait()
            await self._gather()
            batch = self._take()
            if batch:
                await self._run_batch(batch)
            if not self._waiting:
                self._arrival.clear()

    async def _gather(self) -> None:
        """Waits until the batch is full or its oldest request has waited for the window."""
        assert self._arrival is not None
        while self._waiting and len(self._waiting) < self._max_batch:
            age_s = time.perf_counter() - self._waiting[0].ticket.arrived_s
            if age_s >= self._window_s:
                return
            self._arrival.clear()
            try:
                async with asyncio.timeout(self._window_s - age_s):
                    await self._arrival.wait()
            except TimeoutError:
                return

    def _take(self) -> list[_Waiting[Request, Result]]:
        batch: list[_Waiting[Request, Result]] = []
        while self._waiting and len(batch) < self._max_batch:
            waiting = self._waiting.popleft()
            if not waiting.ticket.cancelled:
                batch.append(waiting)
        return batch

    async def _run_batch(self, batch: list[_Waiting[Request, Result]]) -> None:
        assert self._thread is not None
        started_s = time.perf_counter()
        tickets = [waiting.ticket for waiting in batch]
        running = asyncio.get_running_loop().run_in_executor(
            self._thread, run_isolated, self._run, tickets
        )
        try:
            outcomes = await asyncio.shield(running)
        except asyncio.CancelledError:  # closing: the model's thread cannot be interrupted
            self._settle_all(batch, await running, started_s)
            raise
        self._settle_all(batch, outcomes, started_s)

    @staticmethod
    def _settle_all(
        batch: list[_Waiting[Request, Result]],
        outcomes: list[_Outcome[Result]],
        started_s: float,
    ) -> None:
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome.value, Exception):
                _settle(waiting, outcome.value)
            else:
                queue_ms = (started_s - waiting.ticket.arrived_s) * MS_PER_S
                _settle(waiting, Batched(outcome.value, queue_ms, outcome.batch))


@dataclass(frozen=True)
class _Outcome(Generic[Result]):
    value: Result | Exception
    batch: int


def run_isolated(
    run: Run[Request, Result], tickets: Sequence[Ticket[Request]]
) -> list[_Outcome[Result]]:
    """Runs all as one batch; if that fails, each half by itself, down to single requests.

    Halving also gets a batch through that is too large for the memory.
    """
    try:
        results = run(tickets)
        if len(results) != len(tickets):
            raise RuntimeError(f"The model answered {len(results)} of {len(tickets)} requests")
        return [_Outcome(result, len(tickets)) for result in results]
    except Exception as error:
        if len(tickets) == 1:
            return [_Outcome(error, 1)]
    middle = len(tickets) // 2
    return run_isolated(run, tickets[:middle]) + run_isolated(run, tickets[middle:])


def _settle(waiting: _Waiting[Request, Result], outcome: Batched[Result] | Exception) -> None:
    if waiting.future.done():
        return
    if isinstance(outcome, Exception):
        waiting.future.set_exception(outcome)
    else:
        waiting.future.set_result(outcome)
