"""The attention that copies nothing against the one that does."""

from __future__ import annotations

import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from gemma3.attention import GROUPED_SDPA, grouped_sdpa
from gemma3.loading import Loaded

ROWS, SHARED_HEADS, TOKENS, WIDTH = 3, 2, 17, 8


class Module(torch.nn.Module):
    def __init__(self, groups: int) -> None:
        super().__init__()
        self.num_key_value_groups = groups
        self.is_causal = True


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("queries", [1, 5])
@pytest.mark.parametrize("masked", [True, False])
def test_it_gives_what_transformers_gives(groups: int, queries: int, masked: bool) -> None:
    torch.manual_seed(groups)
    query = torch.randn(ROWS, SHARED_HEADS * groups, queries, WIDTH)
    key, value = torch.randn(2, ROWS, SHARED_HEADS, TOKENS, WIDTH)
    # Each row sees its own part, and something at least.
    mask = torch.rand(ROWS, 1, queries, TOKENS) > 0.5
    mask[..., 0] = True
    given = (Module(groups), query, key, value, mask if masked else None)
    expected = sdpa_attention_forward(*given, scaling=0.3)[0]
    assert torch.allclose(grouped_sdpa(*given, scaling=0.3)[0], expected, atol=1e-6)


def test_words_come_by_it_and_pictures_do_not(loaded: Loaded) -> None:
    config = loaded.model.config
    assert config.text_config._attn_implementation == GROUPED_SDPA
    assert config.vision_config._attn_implementation == "sdpa"
