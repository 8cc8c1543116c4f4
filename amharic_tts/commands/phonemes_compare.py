"""Commands: phonemes-compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.errors import UserError

if TYPE_CHECKING:
    from amharic_tts.phonemes.align import Comparison
    from amharic_tts.phonemes.expected import ExpectedWord

_MARKS = {"ok": "", "substituted": "other", "inserted": "extra", "missing": "missing"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the command line."""
    app.command("phonemes-compare")(phonemes_compare)


def phonemes_compare(
    context: typer.Context,
    audio: Annotated[str, typer.Argument(help="Sound or video file; none with --dataset.")] = "",
    text: Annotated[str, typer.Option(help="What should be said.")] = "",
    text_file: Annotated[str, typer.Option(help="A UTF-8 file with that text; - for stdin.")] = "",
    phones: Annotated[
        str, typer.Option(help='The phones instead, in IPA: "h ɛ l oʊ | w ɝ l d".')
    ] = "",
    language: Annotated[
        str, typer.Option(help="Language of the text: am, en, or another of espeak-ng.")
    ] = "en",
    model: Annotated[
        str,
        typer.Option(
            help="embedded (English, no download), fast, accurate, a Hugging Face id or a folder."
        ),
    ] = "embedded",
    dataset: Annotated[
        str, typer.Option(help="Compare every clip of a dataset with its text instead.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Compare the phonemes that are heard in a recording with those that should be."""
    from amharic_tts.phonemes.align import compare
    from amharic_tts.phonemes.extractor import PhonemeExtractor

    if dataset:
        if audio or text or text_file or phones:
            raise UserError("--dataset brings its own sounds and texts", "Leave the others out")
        _dataset(context.obj, dataset, model, as_json)
        return
    if not audio:
        raise UserError("There is no sound to compare", "Give a file, or --dataset NAME")
    wanted = _wanted(text, text_file, phones, language)
    heard, posteriors = PhonemeExtractor(model=model).hear(audio)
    comparison = compare(heard, wanted, posteriors)
    if as_json:
        words = [{"text": word.text, "phones": list(word.phones)} for word in wanted]
        said = {"language": language, "wanted": words, "heard": heard.to_dict()}
        output.as_json({"audio": audio, **said, "comparison": comparison.to_dict()})
        return
    for note in (*heard.notes, *comparison.notes):
        output.note(f"{audio}: {note}")
    if heard.languages == ("en",) and language != "en":
        output.note(
            f"{audio}: the model {heard.model} knows English alone; sounds of other languages are "
            "compared as their nearest English ones, and there are more errors"
        )
    for line in table(comparison):
        output.data(line)


def _wanted(text: str, text_file: str, phones: str, language: str) -> tuple[ExpectedWord, ...]:
    from amharic_tts.commands.lines import lines, opened
    from amharic_tts.phonemes.expected import from_phones, from_text

    if sum(map(bool, (text, text_file, phones))) != 1:
        raise UserError("Say what should be heard by one of --text, --text-file and --phones")
    if phones:
        return from_phones(phones, language)
    if text_file:
        with opened(text_file) as stream:
            text = "\n".join(lines(stream, text_file))
    return from_text(text, language)


def table(comparison: Comparison) -> list[str]:
    """Return a comparison as lines: the phones word by word, the words, the whole."""
    lines = [f"{'wanted':8}{'heard':8}{'seconds':>13}  {'score':>5}"]
    for number, word in enumerate(comparison.words):
        lines.append(f"{word.text}  ({word.score:.2f})")
        for row in (row for row in comparison.rows if row.word == number):
            times = f"{row.start:.2f}-{row.end:.2f}"
            notes = "; ".join(note for note in (_MARKS[row.kind], row.note) if note)
            line = (
                f"{row.wanted or '-':8}{row.heard or '-':8}{times:>13}  {row.score:5.2f}  {notes}"
            )
            lines.append(line.rstrip())
    counts = comparison.counts
    lines.append("")
    lines.append(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    lines.append(
        f"PER {comparison.per:.1%}, PFER {comparison.pfer:.1%}, score {comparison.score:.2f}"
    )
    return lines


def _dataset(workspace: Path, name: str, model: str, as_json: bool) -> None:
    from amharic_tts.dataset.manifest import Dataset
    from amharic_tts.phonemes import scores
    from amharic_tts.phonemes.extractor import PhonemeExtractor
    from amharic_tts.workspace import Workspace

    found = Dataset.load(Workspace.open(workspace).dataset(name))
    result = output.follow(scores.dataset(found, PhonemeExtractor(model=model)))
    if as_json:
        output.as_json(result)
        return
    output.data("clip\tPER\tPFER\tscore\tproblems")
    for row in result["rows"]:
        said = [what for key, what in _PROBLEMS.items() if row[key]]
        figures = f"{row['per']:.3f}\t{row['pfer']:.3f}\t{row['score']:.3f}"
        output.data(f"{row['id']}\t{figures}\t{', '.join(said)}")


_PROBLEMS = {
    "missing_end": "the end is missing",
    "extra_phones": "more is said than the text has",
    "repeats": "something is said twice",
}
