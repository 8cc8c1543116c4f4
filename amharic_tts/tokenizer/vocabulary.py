"""The vocabulary file of XTTS (`vocab.json`, the `tokenizers` library's own format).

It is extended by appending only: old ids, old merges and their order stay as they are, so the old
rows of a model keep their meaning.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.text import ethiopic

Vocabulary = dict[str, Any]
"""The parsed JSON of a vocabulary file."""

ETHIOPIC_LANGUAGES = ("am", "ti", "gez")
"""Languages whose letters are added."""
# Ethiopic and Ethiopic Supplement; the Extended blocks hold no Amharic letters.
_LAST_ETHIOPIC = 0x139F


@dataclass(frozen=True)
class Extension:
    """A vocabulary with its new tokens; rows `old_size` to `new_size` of the model are new."""

    vocab: Vocabulary
    added: list[str]
    old_size: int
    new_size: int


def load_vocabulary(path: Path) -> Vocabulary:
    """Read a vocabulary file.

    Raises:
        UserError: It is missing, is no JSON, or is not a BPE vocabulary of XTTS.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"The vocabulary `{path}` is missing") from None
    except (OSError, ValueError) as error:
        raise UserError(f"The vocabulary `{path}` can't be read: {error}") from error
    return check_vocabulary(body, str(path))


def check_vocabulary(body: Any, name: str = "vocabulary") -> Vocabulary:
    """Return `body` if it has the parts of an XTTS vocabulary.

    Raises:
        UserError: A part is missing; the message says which.
    """
    model = body.get("model") if isinstance(body, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict):
        raise UserError(f"`{name}` is not a vocabulary of XTTS: it has no `model.vocab`")
    ids = token_ids(body)
    missing = [token for token in ("[STOP]", "[UNK]", "[SPACE]", "[START]") if token not in ids]
    if missing:
        raise UserError(f"`{name}` is not a vocabulary of XTTS: {', '.join(missing)} not in it")
    return dict(body)


def token_ids(vocab: Vocabulary) -> dict[str, int]:
    """Return the id of every token, added ones included."""
    ids = {str(token): int(number) for token, number in vocab["model"]["vocab"].items()}
    ids.update({token["content"]: int(token["id"]) for token in vocab.get("added_tokens") or []})
    return ids


def vocabulary_size(vocab: Vocabulary) -> int:
    """Return the number of rows that the model needs: the largest id plus one, as coqui counts."""
    return max(token_ids(vocab).values()) + 1


def vocabulary_hash(vocab: Path | Vocabulary) -> str:
    """Return a SHA-256 of what the vocabulary says; its layout on disk does not count.

    Raises:
        UserError: See `load_vocabulary`.
    """
    body = load_vocabulary(vocab) if isinstance(vocab, Path) else vocab
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def language_tag(language: str) -> str:
    """Return the token that opens a text in a language, such as `[am]`."""
    return f"[{language}]"


def phone_token(phone: str) -> str:
    """Return the token of a phone, such as `[/tʃʼ/]`; it can't be taken for a letter."""
    return f"[/{phone}/]"


def special_token(number: int, content: str) -> dict[str, Any]:
    """Return the entry of a token that BPE never splits."""
    return {
        "id": number,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def _characters(language: str) -> list[str]:
    if language not in ETHIOPIC_LANGUAGES:
        return []
    return [char for char in ethiopic.characters() if ord(char) <= _LAST_ETHIOPIC]


def _phones() -> list[str]:
    from amharic_tts.g2p import base

    return list(base.inventory())


def extend(
    vocab: Vocabulary,
    language: str,
    text_mode: str = "letters",
    merges: Sequence[tuple[str, str]] = (),
) -> Extension:
    """Append what a language needs: its tag, the Ethiopic characters, in phoneme mode the phones.

    Characters become single-letter BPE tokens (no merges needed); the tag and the phones become
    special tokens, which BPE never splits. Extending twice changes nothing. New merges come after
    the old ones, so that they join only what those leave apart.

    Args:
        vocab: The base's vocabulary; it is not changed.
        language: Language code as XTTS writes it.
        text_mode: `letters` or `phonemes`.
        merges: Pairs of tokens that BPE shall join, see `tokenizer.pieces`.

    Raises:
        UserError: `vocab` is not a vocabulary of XTTS.
    """
    extended = copy.deepcopy(check_vocabulary(vocab))
    known = token_ids(extended)
    old_size = vocabulary_size(extended)
    tokens: dict[str, int] = extended["model"]["vocab"]
    specials: list[dict[str, Any]] = extended.setdefault("added_tokens", [])
    added: list[str] = []

    def append(token: str, special: bool) -> None:
        if token in known:
            return
        number = old_size + len(added)
        known[token] = number
        # Special tokens stand in both lists, as in the released file: the library then keeps the
        # given id instead of choosing one.
        tokens[token] = number
        if special:
            specials.append(special_token(number, token))
        added.append(token)

    append(language_tag(language), special=True)
    for character in _characters(language):
        append(character, special=False)
    if text_mode == "phonemes":
        for phone in _phones():
            append(phone_token(phone), special=True)
    for pair in merges:
        append("".join(pair), special=False)
    _append_merges(extended["model"], merges)
    return Extension(extended, added, old_size, old_size + len(added))


def _append_merges(model: dict[str, Any], merges: Sequence[tuple[str, str]]) -> None:
    """Append merges in the form of the file: `"a b"` as in the release, or `["a", "b"]`."""
    old = model.get("merges") or []
    pairs = bool(old) and not isinstance(old[0], str)
    known = {" ".join(merge) if pairs else merge for merge in old}
    new = [pair for pair in merges if " ".join(pair) not in known]
    if new:
        model["merges"] = [*old, *(list(pair) if pairs else " ".join(pair) for pair in new)]


def parts(vocab: Vocabulary, old_size: int) -> dict[int, tuple[int, ...]]:
    """Return the ids of the characters of each piece from `old_size` on.

    Special tokens (a tag, a phone) are no pieces of characters, and are left out.

    Args:
        vocab: An extended vocabulary.
        old_size: The size before.
    """
    ids = token_ids(vocab)
    special = {token["content"] for token in vocab.get("added_tokens") or []}
    found = {}
    for token, number in sorted(ids.items(), key=lambda item: item[1]):
        if number < old_size or len(token) < 2 or token in special:
            continue
        if all(character in ids for character in token):
            found[number] = tuple(ids[character] for character in token)
    return found
