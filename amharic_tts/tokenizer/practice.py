"""The vocabularies for practice, in the form of the released vocabulary but without its merges.

`practice_vocabulary` is Latin only, as the released one: what Amharic needs is appended to it when
a run starts. `practice_base_vocabulary` is that of the practice base, which speaks Amharic already.
"""

from __future__ import annotations

from amharic_tts.tokenizer.vocabulary import Vocabulary, extend, special_token

LANGUAGES = (
    *("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar"),
    *("zh-cn", "hu", "ko", "ja", "hi"),
)
_CHARACTERS = "!'()*,-./:;?0123456789abcdefghijklmnopqrstuvwxyzáàâäãåçéèêëíìîïñóòôöõúùûü"


def practice_vocabulary() -> Vocabulary:
    """Return the Latin vocabulary: letters, digits, marks, and the tags of XTTS."""
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


def practice_base_vocabulary() -> Vocabulary:
    """Return the vocabulary that the practice base is trained with.

    The ids are those of `practice_vocabulary`, then the tag `[am]`, then the Ethiopic characters in
    the order of Unicode, then the phones of Amharic in the order of `g2p.base.inventory()`. English
    is read as letters; Amharic as letters or as phones, with the same rows. Trained weights keep
    their own copy of it: another order or another inventory needs another training.
    """
    return extend(practice_vocabulary(), "am", "phonemes").vocab
