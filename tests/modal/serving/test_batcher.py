from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from serving.batcher import Batched, Batcher, Closed, Overloaded, Ticket

Batches = list[list[int]]


def doubling(batches: Batches) -> Callable[[Sequence[Ticket[int]]], list[int]]:
    """A model that doubles; -1 breaks every batch that it is in."""

    def run(tickets: Sequence[Ticket[int]]) -> list[int]:
        requests = [ticket.request for ticket in tickets]
        batches.append(requests)
        if -1 in requests:
            raise RuntimeError("broken request")
        return [2 * request for request in requests]

    return run


def batcher_of(run: Callable[..., list[int]], **options: int) -> Batcher[int, int]:
    return Batcher(run, **{"window_ms": 50, "max_batch": 8, "max_waiting": 100, **options})


def test_requests_of_one_window_run_as_one_batch() -> None:
    async def scenario() -> tuple[Batches, list[Batched[int]]]:
        batches: Batches = []
        batcher = batcher_of(doubling(batches))
        results = await asyncio.gather(*(batcher.submit(number) for number in range(5)))
        await batcher.close()
        return batches, results

    batches, results = asyncio.run(scenario())
    assert batches == [[0, 1, 2, 3, 4]]
    assert [result.result for result in results] == [0, 2, 4, 6, 8]
    assert {result.batch for result in results} == {5}


def test_no_batch_is_larger_than_the_limit() -> None:
    async def scenario() -> Batches:
        batches: Batches = []
        batcher = batcher_of(doubling(batches), max_batch=4)
        await asyncio.gather(*(batcher.submit(number) for number in range(10)))
        await batcher.close()
        return batches

    assert [len(batch) for batch in asyncio.run(scenario())] == [4, 4, 2]


def test_a_full_batch_does_not_wait_for_the_window() -> None:
    async def scenario() -> None:
        batcher = batcher_of(doubling([]), window_ms=1_000, max_batch=2)
        async with asyncio.timeout(0.5):
            await asyncio.gather(batcher.submit(1), batcher.submit(2))
        await batcher.close()

    asyncio.run(scenario())


def test_one_bad_request_fails_alone() -> None:
    async def scenario() -> list[Batched[int] | BaseException]:
        batcher = batcher_of(doubling([]))
        numbers = [1, 2, -1, 4, 5]
        results = await asyncio.gather(
            *(batcher.submit(number) for number in numbers), return_exceptions=True
        )
        await batcher.close()
        return results

    results = asyncio.run(scenario())
    assert isinstance(results[2], RuntimeError)
    good = [result.result for result in results if isinstance(result, Batched)]
    assert good == [2, 4, 8, 10]


def test_a_model_that_loses_a_result_gives_nobody_anothers() -> None:
    async def scenario() -> list[Batched[int] | BaseException]:
        batcher = batcher_of(lambda tickets: [7] * (len(tickets) - 1))
        calls = asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)
        results = await asyncio.wait_for(calls, timeout=5)
        await batcher.close()
        return results

    assert all(isinstance(result, RuntimeError) for result in asyncio.run(scenario()))


def test_what_is_cancelled_while_it_waits_never_runs() -> None:
    async def scenario() -> tuple[Batches, int]:
        batches: Batches = []
        batcher = batcher_of(doubling(batches))
        stays = asyncio.create_task(batcher.submit(1))
        leaves = asyncio.create_task(batcher.submit(2))
        await asyncio.sleep(0)
        leaves.cancel()
        result = (await stays).result
        await batcher.close()
        return batches, result

    assert asyncio.run(scenario()) == ([[1]], 2)


def test_what_is_cancelled_while_it_runs_is_marked_and_leaves_the_others() -> None:
    async def scenario() -> tuple[list[bool], int]:
        begun, go_on = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        marks: list[bool] = []

        def run(tickets: Sequence[Ticket[int]]) -> list[int]:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(5)
            marks.extend(ticket.cancelled for ticket in tickets)
            return [ticket.request for ticket in tickets]

        batcher = batcher_of(run)
        stays = asyncio.create_task(batcher.submit(1))
        leaves = asyncio.create_task(batcher.submit(2))
        await begun.wait()
        leaves.cancel()
        await asyncio.gather(leaves, return_exceptions=True)
        go_on.set()
        result = (await stays).result
        await batcher.close()
        return marks, result

    assert asyncio.run(scenario()) == ([False, True], 1)


def test_the_next_batch_runs_after_one_that_failed() -> None:
    async def scenario() -> int:
        batcher = batcher_of(doubling([]), window_ms=0)
        with pytest.raises(RuntimeError, match="broken request"):
            await batcher.submit(-1)
        result = (await batcher.submit(3)).result
        await batcher.close()
        return result

    assert asyncio.run(scenario()) == 6


def test_too_many_that_wait_are_refused() -> None:
    async def scenario() -> None:
        batcher = batcher_of(doubling([]), max_waiting=2)
        waiting = [asyncio.create_task(batcher.submit(number)) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await batcher.submit(3)
        await asyncio.gather(*waiting)
        await batcher.close()

    asyncio.run(scenario())


def test_close_fails_what_waits_and_refuses_what_comes() -> None:
    async def scenario() -> None:
        batcher = batcher_of(doubling([]), window_ms=1_000)
        waiting = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0.01)
        await batcher.close()
        with pytest.raises(Closed):
            await waiting
        with pytest.raises(Closed):
            await batcher.submit(2)

    asyncio.run(scenario())
