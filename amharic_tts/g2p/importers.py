"""Pronunciation lists of others as a lexicon, from a file that the user has.

No list comes with the studio: their licences (CC BY-SA, GPL) bind what is made of them. What a
format looks like is said at its function; a line that can't be used is reported with its number.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from amharic_tts.errors import UserError
from amharic_tts.g2p.lexicon import BadLine, entry
from amharic_tts.g2p.words import tokens
from amharic_tts.text.ethiopic import GEMINATION, MARKS, is_ethiopic, is_letter

Row = tuple[int, str, str]
"""Line number, word, reading: IPA or a marked spelling. An empty word: the reading says why not."""

_MARKS = str.maketrans("", "", "".join(MARKS))
_SEGMENTS = (("ɾ", "r"), ("ɹ", "r"), ("β", "b"), ("ç", "h"), ("x", "h"), ("ʰ", ""), ("ʲ", "j"))
"""Allophones and marks that the studio's broad notation does not keep apart."""
_ESPEAK = (("ˈ", ""), ("ˌ", ""), ("ts", "sʼ"), *_SEGMENTS)
"""The same for espeak-ng, which marks stress and writes ጸ as a plain `ts`."""


@dataclass(frozen=True)
class Format:
    """One kind of list."""

    name: str
    what: str
    """What it is and whose, in a few words."""
    rows: Callable[[Iterable[str]], Iterator[Row]]
    machine_made: bool = False
    """Written by a program: no better than that program, never to be used as a gold list."""


@dataclass
class Imported:
    """What was found in a list."""

    readings: dict[str, str] = field(default_factory=dict)
    """The reading of each word as the list has it; the first one where it has several."""
    others: list[tuple[str, str]] = field(default_factory=list)
    """Further readings of words of the same spelling."""
    skipped: list[tuple[int, str]] = field(default_factory=list)
    """Lines that can't be used, and why."""


def gff_table(lines: Iterable[str]) -> Iterator[Row]:
    """Read a sheet of the Ge'ez Frontier Foundation's gemination table, saved as TSV or CSV.

    Columns: word, the word with U+135F, transliteration, remarks. The first two are read; the
    studio's own rules say where ɨ is heard.
    """
    rows = list(lines)
    separator = "\t" if any("\t" in line for line in rows) else ","
    for number, line in enumerate(rows, 1):
        # Line by line: a stray quotation mark in a remark must not swallow the lines after it.
        try:
            columns = next(csv.reader([line], delimiter=separator), [])
        except csv.Error as error:
            yield number, "", f"it is no line of a table ({error})"
            continue
        words = [column.strip() for column in columns[:2]]
        if not any(map(is_ethiopic, "".join(words))):
            continue  # the head of the table, an empty line, a transliteration alone
        if len(words) < 2 or not words[1]:
            yield number, "", "it has no second column with the marked spelling"
        elif words[1].translate(_MARKS) != words[0]:
            yield number, "", f"`{words[1]}` is not a spelling of `{words[0]}`"
        else:
            yield number, words[0], words[1]


def gff_marked(lines: Iterable[str]) -> Iterator[Row]:
    """Read a text in which long consonants are marked with U+135F, several words a line or one.

    Only words with a mark are taken: in such texts a word without one may just not be marked.
    """
    for number, line in enumerate(lines, 1):
        for kind, word in tokens(line):
            if kind == "word" and GEMINATION in word:
                yield number, word.translate(_MARKS), word


def hornmorpho(lines: Iterable[str]) -> Iterator[Row]:
    """Read the noun stems of HornMorpho (``n_stem.lex``): a stem first, ``/`` before what is long.

    Grammatical features behind the stem are not read.
    """
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        stem = fields[0]
        spelling = re.sub("/(.)", f"\\1{GEMINATION}", stem)
        word = spelling.translate(_MARKS)
        if word and all(map(is_letter, word)):
            yield number, word, spelling
        else:
            yield number, "", f"`{stem}` is not one stem in Ethiopic letters"


def wikipron(lines: Iterable[str]) -> Iterator[Row]:
    """Read a scrape of WikiPron: ``word<TAB>s e g m e n t s``."""
    yield from _word_and_ipa(lines, lambda ipa: [ipa], _SEGMENTS)


def charsiu(lines: Iterable[str]) -> Iterator[Row]:
    """Read a dictionary of CharsiuG2P: ``word<TAB>/ipa/``, several with commas between.

    Its Amharic one was written by espeak-ng.
    """
    yield from _word_and_ipa(lines, lambda ipa: ipa.split(","), _ESPEAK)


def _word_and_ipa(
    lines: Iterable[str],
    readings: Callable[[str], list[str]],
    notation: tuple[tuple[str, str], ...],
) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, written = line.partition("\t")
        if not written.strip():
            yield number, "", "it has no second column with phonemes"
            continue
        for ipa in readings(written):
            ipa = ipa.strip().strip("/")
            for theirs, ours in notation:
                ipa = ipa.replace(theirs, ours)
            yield number, word.strip(), ipa


FORMATS = {
    kind.name: kind
    for kind in (
        Format("gff-table", "gemination table of the Ge'ez Frontier Foundation", gff_table),
        Format("gff-marked", "text with U+135F over long consonants", gff_marked),
        Format("hornmorpho", "noun stems of HornMorpho (n_stem.lex)", hornmorpho),
        Format("wikipron", "WikiPron scrape", wikipron),
        Format("charsiu", "CharsiuG2P dictionary, written by espeak-ng", charsiu, True),
    )
}


def get(name: str) -> Format:
    """Return a format by its name.

    Raises:
        UserError: There is none; the hint names those there are.
    """
    if name not in FORMATS:
        known = ", ".join(f"`{kind}`" for kind in FORMATS)
        raise UserError(f"There is no lexicon format `{name}`", f"The formats are {known}")
    return FORMATS[name]


def read(kind: Format, lines: Iterable[str]) -> Imported:
    """Return what a list holds; nothing in it is dropped without a word."""
    found = Imported()
    spoken: dict[str, set[str]] = {}
    for number, word, reading in kind.rows(line.rstrip("\r\n") for line in lines):
        if not word:
            found.skipped.append((number, reading))
            continue
        try:
            _, ipa = entry(f"{word}\t{reading}")
        except BadLine as problem:
            found.skipped.append((number, str(problem)))
            continue
        known = spoken.setdefault(word, set())
        if not known:
            found.readings[word] = reading
        elif ipa not in known:
            found.others.append((word, reading))
        known.add(ipa)
    return found


def lexicon_text(kind: Format, source: str, found: Imported) -> str:
    """Return a lexicon file of an imported list; other readings stand in it as comments."""
    note = "\tmachine-made" if kind.machine_made else ""
    lines = [
        f"# {len(found.readings)} words from `{source}`: {kind.what}",
        "# The licence of that list goes with this file.",
    ]
    if kind.machine_made:
        lines.append("# Written by a program, not by people: no better than that program.")
    lines += [f"{word}\t{reading}{note}" for word, reading in sorted(found.readings.items())]
    if found.others:
        lines.append("# Other readings of words above; only one can be used:")
        lines += [f"# {word}\t{reading}{note}" for word, reading in found.others]
    return "\n".join(lines) + "\n"
