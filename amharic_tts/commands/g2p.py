"""Commands: g2p, and those of lexicons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import lexicon as lexicons
from amharic_tts.commands import output
from amharic_tts.commands.lines import lines, opened
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.g2p import EnhancedAmharicG2P, G2PResult, registry
from amharic_tts.g2p.base import phones
from amharic_tts.g2p.lexicon import Lexicon

# What a reader of the table could take for the end of a column or a line.
_BREAKS = re.compile("[\t\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_NAMES = ", ".join(backend.name for backend in registry.backends())


class Format(str, Enum):
    """Forms of the output."""

    TEXT = "text"
    TSV = "tsv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("g2p")(g2p)
    lexicons.register(app)


def g2p(
    file: Annotated[
        str, typer.Argument(help="Text file in UTF-8, one text a line; - reads stdin.")
    ] = "-",
    backend: Annotated[
        str, typer.Option("--backend", help=f"One of: {_NAMES}.")
    ] = registry.DEFAULT,
    order: Annotated[
        str,
        typer.Option(
            "--order",
            help="Backends with commas, asked one after the other, instead of --backend; "
            "`documented` is transphone,epitran,rule_based. One that is not here is passed over.",
        ),
    ] = "",
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="text: phonemes only; tsv: input, phonemes, backend (a tab or other line break "
            "inside the input becomes a space); json: a list with the reasons of every choice.",
        ),
    ] = Format.TEXT,
    lexicon: Annotated[
        Path | None,
        typer.Option(
            "--lexicon",
            help="Your own words, which go before the backend: a file with a line for each word, "
            "word<TAB>phonemes or word<TAB>spelling with U+135F over what is long.",
        ),
    ] = None,
    homophones: Annotated[
        bool,
        typer.Option(
            "--homophones",
            help="Find words of the lexicon under other letters of the same sound too.",
        ),
    ] = False,
) -> None:
    """Turn Amharic text into phonemes (IPA): one line out for each line in, in order.

    Where a backend can't do a line, or its output can't be right (it leaves Ethiopic letters, has
    no vowels, is too short ...), the next one does; the third column of tsv says which did, and
    each reason is told once on stderr. Empty lines stay.
    """
    chosen = registry.get(backend)
    state = chosen.availability()
    if not state.ok and not order:
        raise MissingPart(
            f"The backend `{chosen.name}` does not work here: {state.reason}", state.hint
        )
    if homophones and lexicon is None:
        raise UserError("`--homophones` is about a lexicon", "Give one with `--lexicon FILE`")
    own = Lexicon.load(lexicon, homophones) if lexicon else None
    converter = (
        EnhancedAmharicG2P(backend_order=order, lexicon=own)
        if order
        else EnhancedAmharicG2P(chosen.name, lexicon=own)
    )
    told: set[tuple[str, str]] = set()
    with opened(file) as stream:
        results = (converter.convert_detailed(line) for line in lines(stream, file))
        for text in _written(_telling(results, told), form):
            output.data(text)


def _telling(results: Iterator[G2PResult], told: set[tuple[str, str]]) -> Iterator[G2PResult]:
    for number, result in enumerate(results, 1):
        for name, reason in (*result.passed_over, *((result.backend, p) for p in result.problems)):
            if (name, reason) not in told:
                told.add((name, reason))
                output.note(f"line {number}: {name}: {reason}; written by {result.backend}")
        yield result


def _written(results: Iterator[G2PResult], form: Format) -> Iterator[str]:
    if form is Format.TEXT:
        yield from (result.ipa for result in results)
    elif form is Format.TSV:
        for result in results:
            yield f"{_BREAKS.sub(' ', result.text)}\t{result.ipa}\t{result.made_by}"
    else:
        yield from _json(results)


def _json(results: Iterator[G2PResult]) -> Iterator[str]:
    """Yield a JSON list line by line, so that a long input does not fill the memory."""
    before = "["
    for result in results:
        item = {
            "text": result.text,
            "normalized": result.normalized,
            "phonemes": result.ipa,
            "words": [phones(word) for word in result.ipa.split()],
            "backend": result.backend,
            "version": result.version,
            "from_lexicon": list(result.from_lexicon),
            "passed_over": [{"backend": n, "reason": r} for n, r in result.passed_over],
            "problems": list(result.problems),
            "quality": result.quality.numbers(),
            "latin": [change.before for change in result.kept],
            "unpronounced": list(result.unpronounced),
        }
        yield before + json.dumps(item, ensure_ascii=False)
        before = ","
    yield "]" if before == "," else "[]"
