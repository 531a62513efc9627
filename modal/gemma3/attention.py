"""Attention that reads the cache as it lies.

Several query heads share the keys and values of one. PyTorch's attention takes that as it is only
without a mask; with one, transformers first copies the whole cache once for each query head, in
every layer and for every word. A single query has a simpler way: its heads that share keys become
the rows of one query, and nothing is copied.
"""

from __future__ import annotations

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

GROUPED_SDPA = "grouped_sdpa"


def grouped_sdpa(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **options: object,
) -> tuple[torch.Tensor, None]:
    """As transformers' ``sdpa``, and gives the same.

    ``query`` is ``[rows, heads, queries, width]``, ``key`` and ``value`` are
    ``[rows, shared heads, tokens, width]``; the result is ``[rows, queries, heads, width]``.
    """
    rows, heads, queries, width = query.shape
    if queries > 1:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **options
        )
    shared = key.shape[1]
    attended = torch.nn.functional.scaled_dot_product_attention(
        query.reshape(rows, shared, heads // shared, width),
        key,
        value,
        attn_mask=attention_mask,
        scale=scaling,
    )
    return attended.reshape(rows, 1, heads, width), None


def register_grouped_sdpa() -> None:
    """Makes the name known to transformers."""
    AttentionInterface.register(GROUPED_SDPA, grouped_sdpa)
    AttentionMaskInterface.register(GROUPED_SDPA, sdpa_mask)
