from __future__ import annotations

from collections import Counter

import pytest
import torch

from serving.sampling import Drawer, Sampling

LOGITS = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
DRAWS = 2_000


def shares(sampling: Sampling) -> list[float]:
    """How often each token is drawn."""
    drawer = Drawer([sampling])
    counts = Counter(drawer.draw(LOGITS[None]).item() for _ in range(DRAWS))
    return [counts[token] / DRAWS for token in range(len(LOGITS))]


def test_temperature_0_takes_the_most_probable() -> None:
    assert shares(Sampling()) == [1, 0, 0, 0]


def test_temperature_1_draws_by_probability() -> None:
    drawn = shares(Sampling(temperature=1, seed=1))
    assert drawn == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.04)


def test_top_p_leaves_only_the_tokens_that_reach_it() -> None:
    drawn = shares(Sampling(temperature=1, top_p=0.6, seed=1))
    assert drawn == pytest.approx([0.5 / 0.8, 0.3 / 0.8, 0, 0], abs=0.04)
    assert shares(Sampling(temperature=2, top_p=0.01, seed=1)) == [1, 0, 0, 0]


def test_a_greedy_row_beside_a_drawn_one_stays_greedy() -> None:
    drawer = Drawer([Sampling(), Sampling(temperature=2, seed=1)])
    drawn = {drawer.draw(LOGITS.repeat(2, 1))[0].item() for _ in range(50)}
    assert drawn == {0}
