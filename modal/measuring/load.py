"""Sessions that each have one chunk under way at any time, as a stream does."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from .ways import Way

MS_PER_S = 1_000
STAGES = ("decode_ms", "queue_ms", "vision_ms", "prefill_ms", "generate_ms")


class ShortAnswer(RuntimeError):
    """An answer had fewer words than measured for."""


@dataclass(frozen=True)
class Measured:
    """What some sessions saw."""

    sessions: int
    chunks_per_s: float
    p50_ms: float
    p95_ms: float
    stages_ms: dict[str, float]
    """Median of each stage that the answers told of."""
    batch: float
    """Median of how many shared a batch."""


async def measure(
    way: Way, chunks: list[list[bytes]], rounds: int, new_tokens: int, warm_up: bool = True
) -> Measured:
    """``chunks`` has the frames of one chunk for each session; each is asked for ``rounds`` times.

    Raises:
        ShortAnswer: an answer did not have ``new_tokens``.
    """
    if warm_up:
        await asyncio.gather(*(way(frames) for frames in chunks))
    latencies_ms: list[float] = []
    timings: list[dict[str, float]] = []

    async def session(frames: list[bytes]) -> None:
        for _ in range(rounds):
            began_s = time.perf_counter()
            answer = await way(frames)
            latencies_ms.append((time.perf_counter() - began_s) * MS_PER_S)
            timings.append(answer["timing"])
            if answer["tokens_generated"] != new_tokens:
                raise ShortAnswer(
                    f"Cannot measure as every answer must have {new_tokens} tokens: "
                    f"current value is {answer['tokens_generated']}"
                )

    began_s = time.perf_counter()
    await asyncio.gather(*(session(frames) for frames in chunks))
    spent_s = time.perf_counter() - began_s
    return Measured(
        sessions=len(chunks),
        chunks_per_s=len(latencies_ms) / spent_s,
        p50_ms=statistics.median(latencies_ms),
        p95_ms=nearest_rank(latencies_ms, 95),
        stages_ms={
            stage: statistics.median(timing[stage] for timing in timings)
            for stage in STAGES
            if stage in timings[0]
        },
        batch=statistics.median(timing.get("batch", 1) for timing in timings),
    )


def nearest_rank(values: list[float], percent: int) -> float:
    """The smallest value that at least so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]
