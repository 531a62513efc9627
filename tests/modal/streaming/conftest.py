"""What the tests of StreamingVLM share: a tiny Qwen2.5-VL, built once.

No name here may be one of `tests/modal/conftest.py`: as both folders lie outside `modal/`, where
the configuration is, pytest gives the fixtures of this file to all tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from PIL import Image

import tiny_qwen
from streaming.loading import Loaded, load
from streaming.service import StreamingService
from streaming.settings import Settings

Value = TypeVar("Value")
Scenario = Callable[[StreamingService], Awaitable[Value]]


def never() -> None:
    raise AssertionError("nothing here breaks a GPU")


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(2)
    folder = tmp_path_factory.mktemp("tiny-qwen")
    tiny_qwen.build(folder)
    return folder


@pytest.fixture(scope="session")
def qwen_settings(qwen_folder: Path) -> Settings:
    return Settings(model_id=str(qwen_folder), device="cpu", max_new_tokens=8)


@pytest.fixture(scope="session")
def qwen(qwen_settings: Settings) -> Loaded:
    return load(qwen_settings)


@pytest.fixture
def host(qwen: Loaded, qwen_settings: Settings) -> Callable[..., Any]:
    """Runs a scenario with a service of its own, which is closed behind it."""

    def run(scenario: Scenario[Value], **changes: object) -> Value:
        async def whole() -> Value:
            service = StreamingService(qwen, replace(qwen_settings, **changes), retire=never)
            try:
                return await scenario(service)
            finally:
                await service.close()

        return asyncio.run(whole())

    return run


@pytest.fixture
def encode(picture: Callable[..., Image.Image]) -> Callable[..., bytes]:
    """A JPEG of any size."""

    def of(seed: int, width: int, height: int) -> bytes:
        target = BytesIO()
        picture(seed, width, height).save(target, "JPEG")
        return target.getvalue()

    return of


@pytest.fixture
def qwen_vision_calls(qwen: Loaded) -> Any:
    """Pictures in each call of the vision encoder."""
    calls: list[int] = []

    def count(_module: object, _args: object, kwargs: dict[str, torch.Tensor]) -> None:
        calls.append(len(kwargs["grid_thw"]))

    handle = qwen.model.model.visual.register_forward_pre_hook(count, with_kwargs=True)
    yield calls
    handle.remove()
