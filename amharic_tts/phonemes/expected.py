"""The phones that a text should be heard as, word by word."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.phonemes.edits import align
from amharic_tts.phonemes.features import vectors
from amharic_tts.phonemes.notation import fold
from amharic_tts.text.tables import rows

LONGEST = 100_000
"""Characters of a text; about two hours of speech."""

_AT_ONCE = 200
"""Words that are read together; a longer text is cut between words."""
_SWITCH = re.compile(r"\([a-z-]+\)")


@dataclass(frozen=True)
class ExpectedWord:
    """A word and the phones that it should be heard as."""

    text: str
    phones: tuple[str, ...]
    language: str = ""
    """ISO code; its ways of writing are folded when it is compared."""


def from_text(text: str, language: str) -> tuple[ExpectedWord, ...]:
    """Return the phones of a text: Amharic by `EnhancedAmharicG2P`, others by espeak-ng.

    A word is what white space separates; what has no sound by itself, such as a dash, stays with
    the word before it. Words are read in their context, where "the" and "a" sound differently.

    Args:
        text: At most `LONGEST` characters.
        language: ISO code: ``am``, ``en``, or another that espeak-ng speaks.

    Raises:
        UserError: The text is empty, too long or in another script, or the language is not known.
        MissingPart: espeak-ng is not installed or can't be run here.
    """
    tokens = "".join(c if c.isprintable() else " " for c in text).split()
    if not tokens:
        raise UserError("There is no text to compare with", "Give the text that was spoken")
    if len(text) > LONGEST:
        raise UserError(
            f"The text has {len(text)} characters; at most {LONGEST} can be compared",
            "Cut the sound and its text",
        )
    code = language.strip()
    _check_script(text, code)
    read = _amharic if code == "am" else partial(_by_espeak, language=code)
    phones: list[list[str]] = []
    for at in range(0, len(tokens), _AT_ONCE):
        phones += _shared_out(*read(tokens[at : at + _AT_ONCE]))
    words = _joined(tokens, phones, code)
    if not words:
        raise UserError(f"There is nothing to pronounce in `{text[:60]}`", "Give words")
    return words


def from_phones(phones: str, language: str = "") -> tuple[ExpectedWord, ...]:
    """Return phones that were written down: ``h ɛ l oʊ | w ɝ l d``, words apart by ``|``.

    Raises:
        UserError: There are none, or one of them is no IPA.
    """
    words = []
    for part in phones.split("|"):
        written = part.split()
        for phone in written:
            if not all(vectors(each) for each in fold(phone, language)) or not vectors(phone):
                raise UserError(
                    f"`{phone}` is no phone in IPA",
                    "Write it with spaces, and | between words: `h ɛ l oʊ | w ɝ l d`",
                )
        if written:
            words.append(ExpectedWord(" ".join(written), tuple(written), language))
    if not words:
        raise UserError(
            "There are no phones to compare with", "Write IPA with spaces: `h ɛ l oʊ | w ɝ l d`"
        )
    return tuple(words)


@cache
def _scripts() -> dict[str, tuple[str, ...]]:
    return {row[0]: tuple(row[1].split()) for row in rows("amharic_tts.phonemes", "scripts.tsv")}


def _check_script(text: str, language: str) -> None:
    scripts = _scripts().get(language)
    if scripts is None:
        return
    letters = [c for c in text if c.isalpha()]
    other = [c for c in letters if unicodedata.name(c, "").split(" ")[0] not in scripts]
    if other:
        shown = "".join(dict.fromkeys(other))[:20]
        raise UserError(
            f"The text has letters that are not read in the language `{language}`: `{shown}`",
            "Choose the language of the text, or write these words in its script",
        )


def _amharic(tokens: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    from amharic_tts.g2p.base import phones
    from amharic_tts.g2p.pipeline import EnhancedAmharicG2P

    g2p = EnhancedAmharicG2P()
    whole = g2p.convert_detailed(" ".join(tokens))
    if whole.unpronounced:
        shown = "`, `".join(whole.unpronounced)
        raise UserError(
            f"These characters have no sound in Amharic: `{shown}`",
            "Write what is said in Ethiopic letters",
        )
    known = {token: phones(g2p.convert_detailed(token).ipa) for token in dict.fromkeys(tokens)}
    return phones(whole.ipa), [known[token] for token in tokens]


def _by_espeak(tokens: Sequence[str], language: str) -> tuple[list[str], list[list[str]]]:
    from amharic_tts.espeak import client

    voice = {"en": "en-us"}.get(language, language)
    if not client.installed():
        raise MissingPart(
            f"The phones of the language `{language}` come from espeak-ng, which is not installed",
            client.HINT,
        )
    if voice not in _voices():
        raise UserError(
            f"espeak-ng knows no language `{language}`", "Give its ISO code, such as `am` or `en`"
        )
    # Double brackets would be taken for espeak-ng's own mnemonics.
    plain = [token.replace("[[", "[").replace("]]", "]") for token in tokens]
    texts = [" ".join(plain), *dict.fromkeys(plain)]
    ipa = client.shared().ask({"do": "read", "voice": voice, "texts": texts})["ipa"]
    read = [list(fold(_SWITCH.sub("", each), language)) for each in ipa]
    known = dict(zip(texts[1:], read[1:], strict=True))
    return read[0], [known[token] for token in plain]


@cache
def _voices() -> frozenset[str]:
    """Return the languages of the installed espeak-ng: the names of its files under `lang`."""
    found = importlib.util.find_spec("espeakng_loader")
    folders = list(found.submodule_search_locations or ()) if found else []
    files = [path for folder in folders for path in Path(folder).glob("espeak-ng-data/lang/*/*")]
    return frozenset(path.name for path in files) | {"en-us"}


def _shared_out(whole: list[str], single: list[list[str]]) -> list[list[str]]:
    """Give each word its phones of the whole text.

    espeak-ng writes some words as one ("ɪnðɪ"), so the phones of the words by themselves say where
    the words end: both are aligned, and what only the text has goes to the word that it follows.
    """
    owner = [at for at, phones in enumerate(single) for _ in phones]
    flat = [phone for phones in single for phone in phones]
    found: list[list[str]] = [[] for _ in single]
    if flat == whole:
        return single
    last = owner[0] if owner else 0
    for i, j in align(flat, whole):
        if i is not None:
            last = owner[i]
        if j is not None:
            found[last].append(whole[j])
    return found


def _joined(
    tokens: Sequence[str], phones: list[list[str]], language: str
) -> tuple[ExpectedWord, ...]:
    words: list[ExpectedWord] = []
    before = ""
    for token, said in zip(tokens, phones, strict=True):
        if said:
            words.append(ExpectedWord(f"{before} {token}".strip(), tuple(said), language))
            before = ""
        elif words:
            last = words[-1]
            words[-1] = ExpectedWord(f"{last.text} {token}", last.phones, language)
        else:
            before = f"{before} {token}".strip()
    return tuple(words)
