"""What was measured, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .bounds import Bounds
from .load import Measured


class Point(Protocol):
    """One number of sessions and frames, measured both ways."""

    sessions: int
    frames: int
    ours: Measured
    plain: Measured
    least: Bounds | None


def sessions_table(points: Sequence[Point]) -> str:
    """Speed by sessions: chunks per second as a multiple of the plain approach's."""
    return _table(
        ("sessions", "batch", *_SPEED, "vision / prefill / decode %", "least ms"),
        [
            (
                str(point.sessions),
                f"{point.ours.batch:g}",
                *_speed(point),
                shares(point.ours),
                _least(point.least),
            )
            for point in points
        ],
    )


def frames_table(points: Sequence[Point]) -> str:
    """The same by frames in a chunk, which is what vision and prefill grow with."""
    return _table(
        ("sessions", "frames", *_SPEED, "vision / prefill / decode %", "least ms"),
        [
            (
                str(point.sessions),
                str(point.frames),
                *_speed(point),
                shares(point.ours),
                _least(point.least),
            )
            for point in points
        ],
    )


def shares(measured: Measured) -> str:
    """Where a batch's time goes."""
    stages = measured.stages_ms
    vision = stages["vision_ms"]
    prefill, decode = stages["prefill_ms"] - vision, stages["generate_ms"]
    whole = vision + prefill + decode
    return " / ".join(f"{100 * part / whole:.0f}" for part in (vision, prefill, decode))


_SPEED = ("chunks/s", "plain", "of plain", "p50 ms", "plain", "p95 ms", "plain")


def _speed(point: Point) -> tuple[str, ...]:
    ours, plain = point.ours, point.plain
    return (
        f"{ours.chunks_per_s:.2f}",
        f"{plain.chunks_per_s:.2f}",
        f"{ours.chunks_per_s / plain.chunks_per_s:.2f}",
        f"{ours.p50_ms:.0f}",
        f"{plain.p50_ms:.0f}",
        f"{ours.p95_ms:.0f}",
        f"{plain.p95_ms:.0f}",
    )


def _least(least: Bounds | None) -> str:
    if least is None:
        return "-"
    parts = (least.vision_ms, least.prefill_ms, least.decode_ms)
    return f"{least.total_ms:.0f} ({' + '.join(f'{part:.0f}' for part in parts)})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
