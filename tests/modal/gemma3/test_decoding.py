"""The step that makes a word, compiled: the same words, and nothing compiled behind warm-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from PIL import Image

from gemma3.decoding import Compiling
from gemma3.engine import Engine
from gemma3.loading import Loaded
from gemma3.preparing import Prepared, Preparer
from gemma3.service import Gemma3Service
from gemma3.settings import Settings
from serving.batcher import Ticket
from serving.yes_no import YesNoTokens

Picture = Callable[[int], Image.Image]


class Backend:
    """Counts what is compiled. The graphs run as they are: making C++ of them takes a minute."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, _inputs: object) -> Callable[..., object]:
        self.graphs += 1
        return graph.forward


@pytest.fixture
def backend() -> Iterator[Backend]:
    torch._dynamo.reset()
    yield Backend()
    torch._dynamo.reset()


def engine_of(loaded: Loaded, compiling: Compiling) -> Engine:
    return Engine(
        loaded.model,
        YesNoTokens.of(loaded.processor.tokenizer),
        frozenset(loaded.model.generation_config.eos_token_id),
        vision_batch=4,
        max_rows=4,
        compiling=compiling,
    )


def test_compiled_twice_it_says_the_same_for_any_rows_and_lengths(
    loaded: Loaded, engine: Engine, preparer: Preparer, picture: Picture, backend: Backend
) -> None:
    compiled = engine_of(loaded, Compiling(wanted=True, backend=backend))

    def request(seed: int, repeats: int) -> Prepared:
        return preparer.about_pictures(
            [picture(seed)], "What is there? " * repeats, max_new_tokens=8, conditions=["a dog"]
        )

    for rows, repeats in ((1, 1), (2, 1), (1, 3), (5, 2), (3, 40), (1, 80)):
        tickets = [Ticket(request(10 * rows + row, repeats), 0.0) for row in range(rows)]
        expected, given = engine.run(tickets), compiled.run(tickets)
        assert [one.token_ids for one in given] == [one.token_ids for one in expected]
        assert [one.yes_shares for one in given] == [one.yes_shares for one in expected]
    assert backend.graphs == 2, "one for a single row, one for several"


def test_warm_up_compiles_all_that_calls_need(
    loaded: Loaded,
    settings: Settings,
    preparer: Preparer,
    picture: Picture,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gemma3.service.Compiling", lambda wanted: Compiling(wanted, backend))
    service = Gemma3Service(loaded, replace(settings, compile="on"), retire=lambda: None)
    service.warm_up()
    assert backend.graphs == 2
    for rows in (1, 2, 4):
        request = preparer.about_pictures([picture(rows)], "What? " * rows, max_new_tokens=4)
        service.engine.run([Ticket(request, 0.0)] * rows)
    assert backend.graphs == 2


@pytest.mark.parametrize(
    ("wanted", "device", "compiles"),
    [
        (None, "cuda", True),
        (None, "cpu", False),
        (True, "cpu", True),
        (False, "cuda", False),
    ],
)
def test_by_itself_it_compiles_for_a_gpu_alone(
    wanted: bool | None, device: str, compiles: bool
) -> None:
    assert Compiling(wanted).pays_on(torch.device(device)) is compiles
