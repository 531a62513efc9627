"""The class's life in a container, with nothing but the environment to go by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gemma3.session import Gemma3Session


@pytest.fixture(autouse=True)
def environment(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMMA3_MODEL_ID", str(tiny_folder))
    monkeypatch.setenv("GEMMA3_MAX_NEW_TOKENS", "8")


def test_a_session_loads_answers_and_stops(tiny_folder: Path, jpeg: Callable[[int], bytes]) -> None:
    async def scenario() -> dict[str, Any]:
        session = Gemma3Session()
        session.load()
        session.wake()
        answer = await session.infer_chunk([jpeg(1)], 0, 1, "What?", session_id="s")
        await session.stop()
        return answer

    answer = asyncio.run(scenario())
    assert answer["caption"] != ""
    assert answer["model"] == str(tiny_folder)


def test_close_touches_no_sessions_state_m4(jpeg: Callable[[int], bytes]) -> None:
    async def scenario() -> tuple[Any, Any]:
        session = Gemma3Session()
        session.load()
        before = asyncio.create_task(session.infer_chunk([jpeg(1)], 0, 1, "What?"))
        await asyncio.sleep(0)
        assert await session.close() is None
        after = await session.infer_chunk([jpeg(1)], 0, 1, "What?")
        before_answer = await before
        await session.stop()
        return before_answer, after

    before, after = asyncio.run(scenario())
    assert before["caption"] == after["caption"] != ""


def test_a_gpu_that_failed_for_good_retires_the_container(
    jpeg: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    retired: list[bool] = []

    class Session(Gemma3Session):
        def retire(self) -> None:
            retired.append(True)

    def fail(*_: object) -> None:
        raise torch.AcceleratorError("an illegal memory access was encountered")

    async def scenario() -> None:
        session = Session()
        session.load()
        monkeypatch.setattr(session.service.engine, "run", fail)
        with pytest.raises(torch.AcceleratorError):
            await session.infer_chunk([jpeg(1)], 0, 1, "What?")
        await session.stop()

    asyncio.run(scenario())
    assert retired == [True]


def test_without_a_gpu_snapshot_the_weights_wait_as_a_gpu_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GEMMA3_GPU_SNAPSHOT", "off")
    session = Gemma3Session()
    session.load()
    model = session.service.engine._model
    assert (model.device.type, model.dtype) == ("cpu", torch.bfloat16)
    rotary = model.model.language_model.rotary_emb
    assert all(buffer.dtype == torch.float32 for buffer in rotary.buffers()), "angles stay exact"
    session.wake()
    asyncio.run(session.stop())
