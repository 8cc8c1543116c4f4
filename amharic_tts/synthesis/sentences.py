"""Lay out a text for speaking: sentences as written, what the model reads, and pauses between.

Each sentence is spoken by itself, so that it can be checked, said again and marked; a very short
one goes with its neighbour, because XTTS was not trained on such clips. What is too long for one
go, by tokens or by time, is cut at commas, then between words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from amharic_tts.errors import UserError
from amharic_tts.synthesis import text_split
from amharic_tts.synthesis.request import MAX_CHARACTERS
from amharic_tts.tokenizer.encoder import MAX_TEXT_TOKENS, TextEncoder
from amharic_tts.tokenizer.vocabulary import phone_token

PARAGRAPH, SENTENCE, CLAUSE, WORD = 0.7, 0.4, 0.2, 0.05
"""Seconds of silence after a paragraph, a sentence, a clause, and where words had to be parted;
what the sound does not hold itself is added. Chosen by us, not measured."""
_SHORT = 1.0
"""Seconds, at a usual pace, below which a sentence goes with its neighbour."""
_ENDS = re.compile(r"(?<=[።፧፨])\s*|(?<=[.!?…])[\"'”’»)]*\s+")
_ABBREVIATED = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|vs|etc)|\w\.\w+|\b[A-Z])\.\s*$")
"""What ends in a point but no sentence: titles, ``U.S.``, ``ዓ.ም.``, initials."""
_PHONE = re.compile(r"\[/([^\[\]]*)/\]")
_CLAUSE_MARK = re.compile(r"[፣፤፥፦,;:]\s*$")


@dataclass(frozen=True)
class Planned:
    """One stretch of a text that is spoken in one go."""

    text: str
    """As written; the whole sentence also where it is spoken in parts."""
    prepared: str
    tokens: tuple[int, ...]
    pause: float
    """Seconds of silence that stand after it, at least; 0 after the last one."""
    part: bool = False
    """The sentence is spoken in several parts, of which this is one."""


def plan(text: str, encoder: TextEncoder, phonemes: bool = False) -> list[Planned]:
    """Return how a text is spoken.

    Args:
        text: As people write it; paragraphs are parted by empty lines or ends of lines.
        encoder: Of the voice.
        phonemes: The text is phones in the studio's notation, ``s ə l a m | l ə``, and marks.

    Raises:
        UserError: The text is too long, has nothing to say or what the voice can't read.
    """
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f"The text has {len(text)} characters; a request takes {MAX_CHARACTERS} at most",
            "Speak it in parts, or as a book: amharic-tts book",
        )
    found: list[Planned] = []
    for paragraph in text.splitlines():
        units = [
            (unit, _phones(unit, encoder) if phonemes else encoder.prepare(unit))
            for unit in _sentences(paragraph)
        ]
        own = [
            part for unit, prepared in _joined(units) for part in _fitting(unit, prepared, encoder)
        ]
        if own:
            own[-1] = _with_pause(own[-1], PARAGRAPH)
        found += own
    if not any(c.isalnum() for one in found for c in one.prepared):
        raise UserError("There is nothing to say in this text", "Type some words")
    _check_known(found, encoder)
    found[-1] = _with_pause(found[-1], 0.0)
    return found


def _sentences(paragraph: str) -> Iterator[str]:
    start = 0
    for end in _ENDS.finditer(paragraph):
        part = paragraph[start : end.end()]
        if part.strip() and not _ABBREVIATED.search(part):
            yield part.strip()
            start = end.end()
    if rest := paragraph[start:].strip():
        yield rest


def _joined(units: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Put very short sentences together with the next one, a last one with the one before."""
    found: list[tuple[str, str]] = []
    for number, (text, prepared) in enumerate(units):
        last = number == len(units) - 1
        short_before = bool(found) and _is_short(found[-1][1])
        if short_before or (found and last and _is_short(prepared)):
            before = found.pop()
            text, prepared = f"{before[0]} {text}", f"{before[1]} {prepared}"
        found.append((text, prepared))
    return found


def _is_short(prepared: str) -> bool:
    return text_split.expected_codes(prepared) < _SHORT * text_split.CODES_PER_SECOND


def _fitting(text: str, prepared: str, encoder: TextEncoder) -> list[Planned]:
    parts = text_split.split(prepared, lambda p: len(encoder.encode(p)), MAX_TEXT_TOKENS)
    parts = [part for part in parts if any(c.isalnum() for c in part)]
    found = []
    for part in parts:
        pause = CLAUSE if _CLAUSE_MARK.search(part) else WORD
        tokens = tuple(encoder.encode(part))
        found.append(Planned(text, part, tokens, pause, len(parts) > 1))
    if found:
        found[-1] = _with_pause(found[-1], SENTENCE)
    return found


def _with_pause(one: Planned, pause: float) -> Planned:
    return replace(one, pause=pause)


def _phones(text: str, encoder: TextEncoder) -> str:
    """Return phones as the encoder writes them; ``|`` or two spaces part words.

    Raises:
        UserError: The voice reads letters.
    """
    if encoder.settings.text_mode != "phonemes":
        raise UserError(
            "This voice reads letters, not phonemes", "Give it the text as people write it"
        )
    words = []
    for word in re.split(r"\s*\|\s*|\s{2,}", text.strip()):
        marks = re.sub(r"([።፣፤፥፦፧፨.,!?;:])", r" \1 ", word).split()
        words.append("".join(m if not _is_phone(m) else phone_token(m) for m in marks))
    return " ".join(words)


def _is_phone(unit: str) -> bool:
    return any(c.isalpha() for c in unit)


def said(prepared: str) -> tuple[str, bool]:
    """Return what a prepared text says, and whether that is phones, words apart by ``|``.

    >>> said("[/s/][/ə/] [/l/]።")
    ('s ə | l', True)
    """
    words = [_PHONE.findall(word) for word in prepared.split()]
    if not any(words):
        return prepared, False
    return " | ".join(" ".join(word) for word in words if word), True


def _check_known(found: list[Planned], encoder: TextEncoder) -> None:
    unknown = encoder.unknown_prepared(" ".join(one.prepared for one in found))
    if unknown:
        kind = "sounds" if encoder.settings.text_mode == "phonemes" else "characters"
        named = " ".join(f"`{what}`" for what in unknown[:20])
        raise UserError(
            f"The voice can't read these {kind}: {named}",
            f"Write them in another way, or take them out; the language is "
            f"`{encoder.settings.language}`",
        )
