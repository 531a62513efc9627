"""The least time that a GPU needs by arithmetic: work over peak rate, bytes over bandwidth.

Vision and prefill are bound by arithmetic, decoding by memory: each word reads all weights once,
and the keys and values that it may look at.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import Gemma3Config

MS_PER_S = 1_000
BYTES_PER_NUMBER = 2
"""bfloat16"""


@dataclass(frozen=True)
class Gpu:
    """Peak rates from the maker's data sheet, without sparsity."""

    flops_per_s: float
    """bfloat16, dense."""
    bytes_per_s: float


GPUS = {
    "L40S": Gpu(362e12, 864e9),
    "A100": Gpu(312e12, 2039e9),
    "H100": Gpu(989e12, 3350e9),
    "H200": Gpu(989e12, 4800e9),
}


@dataclass(frozen=True)
class Bounds:
    """Milliseconds for a batch."""

    vision_ms: float
    prefill_ms: float
    """Of the words and picture tokens, without the pictures' encoding."""
    decode_ms: float

    @property
    def total_ms(self) -> float:
        """All three, one after the other."""
        return self.vision_ms + self.prefill_ms + self.decode_ms


@dataclass(frozen=True)
class Load:
    """What a batch is made of."""

    rows: int
    frames: int
    """Of each row."""
    prompt_tokens: int
    """Of each row, picture tokens included."""
    new_tokens: int


def gpu_named(name: str) -> Gpu | None:
    """The rates of a device by its full name, as torch gives it; None if it is not known."""
    return next((gpu for short, gpu in GPUS.items() if short in name), None)


def bounds(config: Gemma3Config, gpu: Gpu, load: Load) -> Bounds:
    """What the batch takes at least."""
    vision = load.rows * load.frames * _vision_flops(config)
    prefill = load.rows * _prefill_flops(config, load.prompt_tokens)
    # The cache grows while it is read: half of what is said is there on average.
    cached = load.rows * _cache_bytes(config, load.prompt_tokens + load.new_tokens // 2)
    decode = load.new_tokens * (_weight_bytes(config) + cached)
    return Bounds(
        vision / gpu.flops_per_s * MS_PER_S,
        prefill / gpu.flops_per_s * MS_PER_S,
        decode / gpu.bytes_per_s * MS_PER_S,
    )


def _vision_flops(config: Gemma3Config) -> float:
    vision = config.vision_config
    width, patches = vision.hidden_size, (vision.image_size // vision.patch_size) ** 2
    weights = 4 * width * width + 2 * width * vision.intermediate_size
    attention = 4 * patches * patches * width
    return vision.num_hidden_layers * (2 * weights * patches + attention)


def _prefill_flops(config: Gemma3Config, tokens: int) -> float:
    text = config.text_config
    queries = text.num_attention_heads * text.head_dim
    # Half of all pairs: each token looks back only.
    attention = sum(
        4 * queries * tokens * _seen(config, kind, tokens) / 2 for kind in text.layer_types
    )
    return 2 * _layer_weights(config) * tokens + attention


def _weight_bytes(config: Gemma3Config) -> float:
    text = config.text_config
    return BYTES_PER_NUMBER * (_layer_weights(config) + text.vocab_size * text.hidden_size)


def _cache_bytes(config: Gemma3Config, tokens: int) -> float:
    text = config.text_config
    per_token = 2 * text.num_key_value_heads * text.head_dim * BYTES_PER_NUMBER
    return sum(per_token * _seen(config, kind, tokens) for kind in text.layer_types)


def _layer_weights(config: Gemma3Config) -> float:
    text = config.text_config
    width, heads = text.hidden_size, text.num_attention_heads + text.num_key_value_heads
    # Queries and outputs by head, keys and values by shared head, and the three of the gated layer.
    attention = 2 * width * text.head_dim * heads
    return text.num_hidden_layers * (attention + 3 * width * text.intermediate_size)


def _seen(config: Gemma3Config, kind: str, tokens: int) -> int:
    window = config.text_config.sliding_window
    return min(tokens, window) if kind == "sliding_attention" else tokens
