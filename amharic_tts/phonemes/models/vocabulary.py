"""The symbols of a CTC model: which is the blank, which stand for no sound, which notation."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models.base import RATE, Symbols

# CMU's set of ARPAbet, without stress digits.
_VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
_DIGRAPHS = ("CH", "DH", "HH", "JH", "NG", "SH", "TH", "ZH")
_ARPABET = frozenset((*_VOWELS, *_DIGRAPHS, *"BDFGKLMNPRSTVWYZ"))
_SPECIAL = re.compile(r"<[^<>]+>|\[[^\[\]]+\]|")
_BLANKS = ("<pad>", "[PAD]", "<blk>", "<blank>", "<eps>")
_WORDS = ("|", "▁", " ", "<wb>")


def symbols(
    names: tuple[str, ...], notation: str, blank: int | None = None, word: str | None = None
) -> Symbols:
    """Return the roles of a model's output symbols.

    Args:
        names: In the order of the model's columns.
        notation: ``ipa``, ``arpabet`` or ``letters``.
        blank: Its column; None looks for the usual names.
        word: What stands between words; None looks for the usual names.

    Raises:
        UserError: There is no blank.
    """
    if blank is None:
        found = [names.index(name) for name in _BLANKS if name in names]
        if not found:
            raise UserError(
                "The vocabulary has no blank symbol", f"One of {', '.join(_BLANKS)} is expected"
            )
        blank = found[0]
    between = next((name for name in (word, *_WORDS) if name is not None and name in names), None)
    at = None if between is None else names.index(between)
    others = [i for i in range(len(names)) if i not in (blank, at)]
    ignored = frozenset(i for i in others if not is_sound(names[i], notation))
    modifiers = frozenset(
        i for i in others if i not in ignored and notation == "ipa" and _modifies(names[i])
    )
    return Symbols(names, blank, at, modifiers, ignored=ignored)


def is_sound(name: str, notation: str) -> bool:
    """Tell whether a symbol stands for something heard: no mark, no punctuation, no stress."""
    if _SPECIAL.fullmatch(name) or not name.strip():
        return False
    if notation == "letters":
        return True
    return not all(
        (unicodedata.category(c)[0] in "PNSZ" and c not in "~˞") or c in "ˈˌ" for c in name
    )


def _modifies(name: str) -> bool:
    return all(unicodedata.category(c) in ("Lm", "Mn", "Sk") for c in name)


def guess_notation(names: tuple[str, ...]) -> str:
    """Return ``ipa``, ``arpabet`` or ``letters``.

    The rule: ``ipa`` where two symbols or more hold a letter of the block IPA Extensions or a
    length mark; else ``arpabet`` where nine in ten are of CMU's ARPAbet (stress digits and case
    aside) and some have two letters; else ``letters``.
    """
    sounds = [name for name in names if is_sound(name, "ipa") and name not in _WORDS]
    ipa = [name for name in sounds if any("ɐ" <= c <= "ʯ" or c in "ːŋθ" for c in name)]
    if len(ipa) >= 2:
        return "ipa"
    bare = [name.upper().rstrip("012") for name in sounds]
    known = [name for name in bare if name in _ARPABET]
    if bare and len(known) >= 0.9 * len(bare) and any(len(name) == 2 for name in known):
        return "arpabet"
    return "letters"


def read_hub(folder: Path, config: dict[str, Any]) -> tuple[tuple[str, ...], int, str | None]:
    """Return names, blank and word separator of a model in the layout of transformers.

    Args:
        folder: With `vocab.json`, and `tokenizer_config.json` and `special_tokens_map.json` where
            the model has them.
        config: Its `config.json`.

    Raises:
        UserError: A file is missing or not as expected.
    """
    table = read_object(folder / "vocab.json")
    size = config.get("vocab_size")
    if table and all(isinstance(value, dict) for value in table.values()):
        raise UserError(
            f"`{folder / 'vocab.json'}` holds one vocabulary for each of {len(table)} languages",
            "Models with one adapter a language can't be converted",
        )
    ids = list(table.values())
    if not all(isinstance(i, int) for i in ids) or sorted(ids) != list(range(len(ids))):
        raise UserError(f"`{folder / 'vocab.json'}` does not number its symbols from 0 on")
    if not isinstance(size, int) or size < len(ids):
        raise UserError(
            f"`{folder / 'vocab.json'}` has {len(ids)} symbols and `config.json` names {size}"
        )
    names = [""] * size  # columns without a name are never taken
    for name, index in table.items():
        names[index] = name
    special = {
        **_optional(folder / "tokenizer_config.json"),
        **_optional(folder / "special_tokens_map.json"),
    }
    pad = _token(special.get("pad_token"))
    blank = table.get(pad or "", config.get("pad_token_id"))
    if not isinstance(blank, int) or not 0 <= blank < size:
        blank = next((table[name] for name in _BLANKS if name in table), None)
    if blank is None:
        raise UserError(f"`{folder / 'config.json'}` does not say which symbol is the blank")
    return tuple(names), blank, _token(special.get("word_delimiter_token"))


def normalises(folder: Path) -> bool:
    """Return whether a model wants samples of mean 0 and variance 1; it does where it says nothing.

    Raises:
        UserError: The model hears another rate.
    """
    path = folder / "preprocessor_config.json"
    body = read_object(path) if path.is_file() else {}
    rate = body.get("sampling_rate", RATE)
    if rate != RATE:
        raise UserError(f"`{path}` asks for {rate} samples a second; {RATE} is what is served")
    return bool(body.get("do_normalize", True))


def read_tokens(path: Path) -> tuple[str, ...]:
    """Return the names of `tokens.txt` of icefall: a symbol and its number a line.

    Raises:
        UserError: A line is not of this form, or numbers are missing.
    """
    found: dict[int, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        name, _, index = line.rpartition(" ") if " " in line else line.rpartition("\t")
        if not index.strip().isdigit() or int(index) in found:
            raise UserError(f"`{path}`, line {number}: `{line[:80]}` is no symbol with its number")
        found[int(index)] = name.strip() or " "
    if sorted(found) != list(range(len(found))) or not found:
        raise UserError(f"`{path}` does not number its symbols from 0 on")
    return tuple(found[i] for i in range(len(found)))


def read_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        UserError: It is missing or holds something else.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"`{path}` is missing", "A CTC model has config.json, vocab.json and its weights"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"`{path}` can't be read: {error}") from error
    if not isinstance(body, dict):
        raise UserError(f"`{path}` holds no JSON object")
    return body


def _optional(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}


def _token(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None
