"""The arithmetic of what no way can beat, against figures that were worked out by hand."""

from __future__ import annotations

import pytest
import torch
from transformers import Gemma3ForConditionalGeneration

from measuring.bounds import GPUS, Load, bounds, gpu_named
from measuring.subjects import full_config

PARAMETERS_OF_GEMMA_3_4B = 4_300_079_472


def test_the_full_model_has_the_size_of_the_published_one() -> None:
    with torch.device("meta"):
        model = Gemma3ForConditionalGeneration(full_config())
    model.tie_weights()
    assert sum(weights.numel() for weights in model.parameters()) == PARAMETERS_OF_GEMMA_3_4B


@pytest.mark.parametrize(
    ("gpu", "rows", "expected"),
    [
        ("L40S", 1, (90, 32, 587)),
        ("L40S", 16, (1447, 508, 763)),
        ("H200", 1, (33, 12, 106)),
        ("H200", 16, (530, 186, 137)),
    ],
)
def test_six_frames_and_64_words_take_at_least(
    gpu: str, rows: int, expected: tuple[float, ...]
) -> None:
    load = Load(rows=rows, frames=6, prompt_tokens=1_736, new_tokens=64)
    least = bounds(full_config(), GPUS[gpu], load)
    assert (least.vision_ms, least.prefill_ms, least.decode_ms) == pytest.approx(expected, rel=0.05)
    assert least.total_ms == pytest.approx(sum(expected), rel=0.05)


def test_a_gpu_is_known_by_its_full_name() -> None:
    assert gpu_named("NVIDIA H200") == GPUS["H200"]
    assert gpu_named("NVIDIA A100-SXM4-80GB") == GPUS["A100"]
    assert gpu_named("2 cores of x86_64") is None
