"""What the tiny models speak: bytes as tokens, a few whole words, and a model's control tokens."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

WHOLE_WORDS = ("yes", "no", " yes", " no")
"""One token each, as in the real vocabularies; all else is bytes."""


def byte_tokenizer(control_tokens: tuple[str, ...], unknown: str | None = None) -> Tokenizer:
    """A tokenizer whose first tokens are the control tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate((*control_tokens, *letters))}
    merges: list[tuple[str, str]] = []
    for word in WHOLE_WORDS:
        _add_word(word.replace(" ", "Ġ"), vocabulary, merges)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _add_word(word: str, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
    """Adds the merges that make one token of a word, letter by letter."""
    known = word[0]
    for letter in word[1:]:
        if (known, letter) not in merges:
            merges.append((known, letter))
        known += letter
        vocabulary.setdefault(known, len(vocabulary))
