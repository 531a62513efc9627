"""What all tests of the model share: a tiny Gemma 3, built once, and frames to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

import tiny_gemma3
from gemma3.decoding import Compiling
from gemma3.engine import Engine
from gemma3.loading import Loaded, load
from gemma3.preparing import Preparer
from gemma3.settings import Settings
from serving.yes_no import YesNoTokens


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(2)
    folder = tmp_path_factory.mktemp("tiny-gemma3")
    tiny_gemma3.build(folder)
    return folder


@pytest.fixture(scope="session")
def settings(tiny_folder: Path) -> Settings:
    # A wide window, so that what is sent at once runs as one batch on a slow machine too.
    return Settings(model_id=str(tiny_folder), device="cpu", batch_window_ms=300, max_new_tokens=16)


@pytest.fixture(scope="session")
def loaded(settings: Settings) -> Loaded:
    return load(settings)


@pytest.fixture(scope="session")
def plain(settings: Settings) -> Loaded:
    """The same weights with transformers' plainest attention: what shortcuts are held against."""
    return load(replace(settings, attention="eager"))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def preparer(loaded: Loaded, pool: ThreadPoolExecutor) -> Preparer:
    return Preparer(loaded.processor, pool, max_prompt_tokens=4096)


@pytest.fixture
def engine(loaded: Loaded) -> Engine:
    ends = frozenset(loaded.model.generation_config.eos_token_id)
    yes_no = YesNoTokens.of(loaded.processor.tokenizer)
    return Engine(
        loaded.model, yes_no, ends, vision_batch=4, max_rows=4, compiling=Compiling(wanted=False)
    )


@pytest.fixture
def vision_calls(loaded: Loaded) -> Iterator[list[int]]:
    """Pictures in each call of the vision encoder."""
    calls: list[int] = []

    def count(_module: object, _args: object, kwargs: dict[str, torch.Tensor]) -> None:
        calls.append(len(kwargs["pixel_values"]))

    tower = loaded.model.model.vision_tower
    handle = tower.register_forward_pre_hook(count, with_kwargs=True)
    yield calls
    handle.remove()


def noise(seed: int, width: int = 60, height: int = 40) -> Image.Image:
    """A picture that no other seed gives."""
    pixels = numpy.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """A picture as it comes over the wire."""
    target = BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


@pytest.fixture(scope="session")
def jpeg() -> Callable[[int], bytes]:
    return lambda seed: encoded(noise(seed))


@pytest.fixture(scope="session")
def picture() -> Callable[[int], Image.Image]:
    return noise
