"""The class's life in a container, with nothing but the environment to go by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from streaming.session import StreamingSession


@pytest.fixture(autouse=True)
def environment(qwen_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMINGVLM_MODEL_ID", str(qwen_folder))
    monkeypatch.setenv("STREAMINGVLM_MAX_NEW_TOKENS", "6")
    monkeypatch.setenv("STREAMINGVLM_MAX_FRAME_EDGE", "112")  # a quick warm-up


def test_close_ends_no_stream_and_stop_ends_all_m4(
    qwen_folder: Path, jpeg: Callable[[int], bytes]
) -> None:
    async def scenario() -> tuple[dict[str, Any], int]:
        session = StreamingSession()
        session.load()
        session.wake()
        first = await session.infer_chunk([jpeg(1)], 0, 1, "What?", session_id="s")
        running = asyncio.create_task(
            session.infer_chunk([jpeg(2)], 1, 2, "What?", [first["caption"]], "s")
        )
        await asyncio.sleep(0)
        assert await session.close() is None
        second = await running
        assert await session.close() is None
        captions = [first["caption"], second["caption"]]
        third = await session.infer_chunk([jpeg(3)], 2, 3, "What?", captions, "s")
        await session.stop()
        assert second["timing"]["reused_tokens"] > 0
        return third, len(session.service._sessions)

    third, left = asyncio.run(scenario())
    assert third["timing"]["reused_tokens"] > 0
    assert third["model"] == str(qwen_folder)
    assert left == 0


def test_without_a_gpu_snapshot_the_weights_wait_as_a_gpu_wants_them(
    monkeypatch: pytest.MonkeyPatch, jpeg: Callable[[int], bytes]
) -> None:
    monkeypatch.setenv("STREAMINGVLM_GPU_SNAPSHOT", "off")

    async def scenario() -> dict[str, Any]:
        session = StreamingSession()
        session.load()
        model = session.service.engine._model
        assert (model.device.type, model.dtype) == ("cpu", torch.bfloat16)
        session.wake()
        answer = await session.infer_chunk([jpeg(1)], 0, 1, "What?", session_id="s")
        after = await session.infer_chunk([jpeg(1)], 1, 2, "What?", [answer["caption"]], "s")
        await session.stop()
        return after

    assert asyncio.run(scenario())["timing"]["reused_tokens"] > 0
