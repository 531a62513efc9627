"""Measures the class against the plain approach, in one run: ``python modal/bench.py``.

On a GPU it takes a Gemma 3 of the size that is deployed, with random weights, else a tiny one that
says something about the way of the work and nothing about its speed on a GPU. Knobs (``GEMMA3_*``)
work as they do in a container.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gemma3.service import Gemma3Service
from gemma3.settings import Settings, read_settings
from measuring.bounds import Bounds, Load, bounds, gpu_named
from measuring.load import Measured, measure
from measuring.subjects import Subject, frames_of, subject_of
from measuring.tables import frames_table, sessions_table
from measuring.ways import Plain, Way, served
from serving.placement import placement_of

PROMPT = "Describe what the wearer of these glasses sees and what is happening around them."
"""With the rule of one sentence behind it about 200 tokens, as many as the byte tokenizer makes."""
SESSIONS = "1,2,4,8,16,32"
FRAMES = "1,2,3,6"
MANY_SESSIONS = 16


@dataclass(frozen=True)
class Wishes:
    """The command line."""

    model: str
    sessions: list[int]
    frames: list[int]
    rounds: int
    plain_rounds: int
    new_tokens: int
    json: str


@dataclass(frozen=True)
class Point:
    """One number of sessions, or of frames: both ways, and what no way can beat."""

    sessions: int
    frames: int
    ours: Measured
    plain: Measured
    least: Bounds | None


class Bench:
    """Both ways over one model."""

    def __init__(self, subject: Subject, settings: Settings, wishes: Wishes) -> None:
        self._subject = subject
        self._wishes = wishes
        self._service = Gemma3Service(subject.loaded, settings, retire=sys.exit)
        self._ours = served(self._service, PROMPT)
        self._plain = Plain(subject, settings, PROMPT)

    async def run(self) -> dict[str, list[Point]]:
        """All points, the ways in turn at each."""
        self._service.warm_up()
        most = max(self._wishes.frames)
        wanted = {
            "sessions": [(count, most) for count in self._wishes.sessions],
            "frames": [
                (count, frames) for count in (1, MANY_SESSIONS) for frames in self._wishes.frames
            ],
        }
        measured = {}
        for what, places in wanted.items():
            measured[what] = []
            for sessions, frames in places:
                measured[what].append(await self._point(sessions, frames))
                print(f"measured {sessions} sessions of {frames} frames", file=sys.stderr)
        await self._service.close()
        return measured

    async def _point(self, sessions: int, frames: int) -> Point:
        chunks = [frames_of(self._subject, frames, seed) for seed in range(sessions)]
        return Point(
            sessions=sessions,
            frames=frames,
            ours=await self._measure(self._ours, chunks, self._wishes.rounds, warm_up=True),
            # All go through one turn: more of them wait longer, and none is faster for it.
            plain=await self._measure(
                self._plain, chunks, self._wishes.plain_rounds, warm_up=sessions == 1
            ),
            least=self._least(sessions, frames, chunks[0]),
        )

    async def _measure(
        self, way: Way, chunks: list[list[bytes]], rounds: int, *, warm_up: bool
    ) -> Measured:
        return await measure(way, chunks, rounds, self._wishes.new_tokens, warm_up)

    def _least(self, sessions: int, frames: int, chunk: list[bytes]) -> Bounds | None:
        gpu = gpu_named(device_name(self._subject))
        load = Load(sessions, frames, self._plain.prompt_tokens(chunk), self._wishes.new_tokens)
        return gpu and bounds(self._subject.loaded.model.config, gpu, load)


def device_name(subject: Subject) -> str:
    """The GPU's full name, or the processor's."""
    device = subject.loaded.model.device
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} cores of {platform.machine()}"


def describe(subject: Subject, settings: Settings, wishes: Wishes) -> str:
    """What a reader must know to believe the tables."""
    model = subject.loaded.model
    numbers = sum(weights.numel() for weights in model.parameters())
    return (
        f"{device_name(subject)}, torch {torch.__version__}, {model.dtype}. Model {subject.name}: "
        f"{numbers / 1e6:,.1f} million random weights, frames of {subject.frame_edge} pixels, "
        f"{wishes.new_tokens} new tokens. Batches of at most {settings.max_batch}, "
        f"compile {settings.compile}. {wishes.rounds} rounds, of the plain way "
        f"{wishes.plain_rounds}."
    )


def read_wishes(arguments: list[str]) -> Wishes:
    """The command line, read."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = "full" if torch.cuda.is_available() else "tiny"
    parser.add_argument("--model", choices=["full", "tiny"], default=usual)
    parser.add_argument("--sessions", type=counts, default=counts(SESSIONS))
    parser.add_argument("--frames", type=counts, default=counts(FRAMES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plain-rounds", type=int, default=2)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--json", default="", help="a file for all numbers")
    return Wishes(**vars(parser.parse_args(arguments)))


def counts(text: str) -> list[int]:
    """Numbers with commas between."""
    return [int(part) for part in text.split(",")]


def measure_all(wishes: Wishes) -> tuple[str, dict[str, list[Point]]]:
    """Runs everything. Returns a description, and the points."""
    wanted = read_settings(os.environ)
    subject = subject_of(wishes.model, placement_of(wanted))
    settings = dataclasses.replace(
        wanted, max_new_tokens=wishes.new_tokens, max_frame_edge=subject.frame_edge
    )
    points = asyncio.run(Bench(subject, settings, wishes).run())
    return describe(subject, settings, wishes), points


def as_data(description: str, points: dict[str, list[Point]]) -> dict[str, Any]:
    """All numbers, for other programs."""
    return {
        "described": description,
        **{what: [dataclasses.asdict(point) for point in some] for what, some in points.items()},
    }


def main(arguments: list[str]) -> None:
    """Measures and prints."""
    wishes = read_wishes(arguments)
    description, points = measure_all(wishes)
    print(description)
    print("\n" + sessions_table(points["sessions"]))
    print("\n" + frames_table(points["frames"]))
    if wishes.json:
        Path(wishes.json).write_text(json.dumps(as_data(description, points), indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
