"""Recognitions as text, JSON, CSV and Praat TextGrid."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from amharic_tts.phonemes.result import Phone, Recognition

Named = tuple[str, Recognition]
"""The name of a sound and its phones."""

CSV_COLUMNS = ("audio", "phone", "start", "end", "confidence", "word")


def to_text(found: Iterable[Named]) -> str:
    """Return one line a sound: phones with spaces, words apart by ``|``."""
    return "".join(f"{recognition}\n" for _, recognition in found)


def to_json(found: Iterable[Named]) -> str:
    """Return a list with one object a sound."""
    items = [{"audio": name, **recognition.to_dict()} for name, recognition in found]
    return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def to_csv(found: Iterable[Named]) -> str:
    """Return a table with one row a phone; times in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for name, recognition in found:
        writer.writerows(csv_rows(name, recognition))
    return text.getvalue()


def csv_rows(name: str, recognition: Recognition) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one sound, see `CSV_COLUMNS`."""
    for p in recognition.phones:
        times = (f"{p.start:.3f}", f"{p.end:.3f}", f"{p.confidence:.4f}")
        yield (name, p.phone, *times, str(p.word))


def limited(recognition: Recognition, top: int | None) -> Recognition:
    """Return it with at most `top` runners-up a phone; None leaves them as they are."""
    if top is None:
        return recognition
    phones = tuple(replace(p, runners_up=p.runners_up[:top]) for p in recognition.phones)
    return replace(recognition, phones=phones)


def from_dict(item: Mapping[str, Any]) -> Recognition:
    """Return what `Recognition.to_dict` was made of, to its rounding; more keys do no harm."""
    numbers = [number for number, word in enumerate(item["words"]) for _ in word["phones"]]
    phones = tuple(
        Phone(
            *(p["phone"], p["start"], p["end"], p["confidence"], number),
            runners_up=tuple((name, share) for name, share in p["runners_up"]),
        )
        for p, number in zip(item["phones"], numbers, strict=True)
    )
    languages, notes = tuple(item["languages"]), tuple(item["notes"])
    about = (item["model"], item["notation"], languages, item["duration"], notes)
    return Recognition(phones, *about)


def to_textgrid(recognition: Recognition) -> str:
    """Return a Praat TextGrid (long text format) with the tiers `words` and `phones`.

    The intervals of a tier follow each other without gaps from 0 to the end, as Praat demands;
    what is between phones is an interval with no text.
    """
    phones = [((p.start, p.end), p.phone) for p in recognition.phones]
    words = [((w[0].start, w[-1].end), _joined(w)) for w in recognition.words()]
    ends = [end for (_, end), _ in phones]
    # Praat takes no interval of no length, so an empty sound lasts a millisecond.
    last = max([recognition.duration, 0.001, *ends])
    tiers = [_tier(1, "words", words, last), _tier(2, "phones", phones, last)]
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {last:.6f}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    )
    return head + "".join(tiers)


def _joined(word: Sequence[Phone]) -> str:
    return " ".join(phone.phone for phone in word)


def _tier(
    number: int, name: str, marks: Sequence[tuple[tuple[float, float], str]], last: float
) -> str:
    intervals: list[tuple[float, float, str]] = []
    at = 0.0
    for (start, end), text in marks:
        if start > at:
            intervals.append((at, start, ""))
        if end > max(start, at):
            intervals.append((max(start, at), end, text))
            at = end
    if at < last:
        intervals.append((at, last, ""))
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f'        name = "{name}"',
        "        xmin = 0",
        f"        xmax = {last:.6f}",
        f"        intervals: size = {len(intervals)}",
    ]
    for i, (start, end, text) in enumerate(intervals, 1):
        quoted = text.replace('"', '""')
        lines += [
            f"        intervals [{i}]:",
            f"            xmin = {start:.6f}",
            f"            xmax = {end:.6f}",
            f'            text = "{quoted}"',
        ]
    return "\n".join(lines) + "\n"


def _to_textgrids(found: Iterable[Named]) -> str:
    return "".join(to_textgrid(recognition) for _, recognition in found)


WRITERS: dict[str, Callable[[Iterable[Named]], str]] = {
    "text": to_text,
    "json": to_json,
    "csv": to_csv,
    "textgrid": _to_textgrids,
}
"""Name of a form -> what writes it; a TextGrid holds one sound."""
ENDINGS = {"text": ".txt", "json": ".json", "csv": ".csv", "textgrid": ".TextGrid"}
"""Name of a form -> the ending of its files."""
