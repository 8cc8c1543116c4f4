"""The vocabulary of the practice base: Latin letters, digits, punctuation, and the tags of XTTS.

It has the form and the special tokens of the released vocabulary, without its merges.
"""

from __future__ import annotations

from amharic_tts.tokenizer.vocabulary import Vocabulary, special_token

LANGUAGES = (
    *("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar"),
    *("zh-cn", "hu", "ko", "ja", "hi"),
)
_CHARACTERS = "!'()*,-./:;?0123456789abcdefghijklmnopqrstuvwxyzáàâäãåçéèêëíìîïñóòôöõúùûü"


def practice_vocabulary() -> Vocabulary:
    """Return the vocabulary as parsed JSON."""
    first = ("[STOP]", "[UNK]", "[SPACE]")
    tags = ("[START]", *(f"[{language}]" for language in LANGUAGES))
    tokens = {token: number for number, token in enumerate((*first, *_CHARACTERS, *tags))}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special_token(tokens[token], token) for token in (*first, *tags)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "vocab": tokens,
            "merges": [],
        },
    }
