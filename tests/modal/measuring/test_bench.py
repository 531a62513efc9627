"""The measurement itself, at its smallest."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import bench
from measuring.load import ShortAnswer, measure, nearest_rank


def test_it_measures_both_ways_and_writes_tables_and_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "MANY_SESSIONS", 2)
    target = tmp_path / "all.json"
    options = ["--model", "tiny", "--sessions", "1,2", "--frames", "1,2", "--rounds", "1"]
    bench.main([*options, "--plain-rounds", "1", "--new-tokens", "4", "--json", str(target)])
    described, sessions, frames = capsys.readouterr().out.strip().split("\n\n")
    assert "0.3 million random weights" in described
    assert [line.split(" | ")[:2] for line in sessions.splitlines()[2:]] == [
        ["| 1", "1"],
        ["| 2", "2"],
    ], "two sessions share a batch"
    assert len(frames.splitlines()) == 2 + 4
    points = json.loads(target.read_text())["sessions"]
    assert all(point[way]["chunks_per_s"] > 0 for point in points for way in ("ours", "plain"))


def test_an_answer_that_is_too_short_ends_the_measurement() -> None:
    async def way(_frames: list[bytes]) -> dict[str, object]:
        return {"tokens_generated": 3, "timing": {}}

    with pytest.raises(ShortAnswer, match="must have 4 tokens: current value is 3"):
        asyncio.run(measure(way, [[b""]], rounds=1, new_tokens=4))


@pytest.mark.parametrize(("percent", "expected"), [(50, 2), (75, 3), (95, 4), (100, 4)])
def test_nearest_rank_is_a_value_that_was_seen(percent: int, expected: int) -> None:
    assert nearest_rank([4, 1, 3, 2], percent) == expected
