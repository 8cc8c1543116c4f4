"""Dates, times of day and verses as Amharic words; months from `data/months.tsv`.

Rules for what can be read in more than one way:

* 2016-03-12 (year first) is Gregorian, as ISO 8601 says; 12/03/2016 is day, month, year in the
  Ethiopian calendar. ዓ.ም after a date makes it Ethiopian, እ.ኤ.አ or እ.አ.አ beside it Gregorian.
* A second number of 13 or more that can only be a day makes it month first and Gregorian
  (03/25/2016); month 13 is ጳጉሜን. What is no day of its month is not a date.
* A time keeps its numbers: nothing is moved between the Ethiopian day (from six in the morning)
  and the 24-hour clock. 3:30 and 3፡30 are times, 3፥30 is chapter and verse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from amharic_tts.text import numerals
from amharic_tts.text.attach import fit, has_prefix
from amharic_tts.text.tables import rows

_APART, _END = r"(?<![0-9])(?<![0-9][/.:])", r"(?![0-9]|[/.:][0-9])"
_DAY_FIRST = r"([0-9]{1,2})([-/.])([0-9]{1,2})\%d([0-9]{4})"
YEAR_FIRST = re.compile(rf"{_APART}([0-9]{{4}})([-/.])([0-9]{{1,2}})\2([0-9]{{1,2}}){_END}")
YEAR_LAST = re.compile(rf"{_APART}{_DAY_FIRST % 2}{_END}")
SPAN = re.compile(rf"{_APART}{_DAY_FIRST % 2}(?:-|\s?[‐‑‒–—−]\s?|\s-\s){_DAY_FIRST % 6}{_END}")
AFTER_MONTH = re.compile(rf"(?<=\s)(?P<d>[0-9]{{1,2}})/(?P<y>[0-9]{{4}}){_END}")
_TIME = r"([0-9]{1,2})[:፡]([0-5][0-9])(?:[:፡]([0-5][0-9]))?"
_TIME_START, _TIME_END = r"(?<![0-9:፡፥.,/-])", r"(?![0-9]|[:፡፥.,/][0-9])(?:\s?ሰ[ዓአ]ት(?!\w))?"
TIMES = re.compile(rf"{_TIME_START}{_TIME}\s?[-‐‑‒–—−]\s?{_TIME}{_TIME_END}")
TIME = re.compile(rf"(?<![0-9:፡፥.,/]){_TIME}{_TIME_END}")
VERSE = re.compile(
    r"(?<![0-9፩-፼:፡፥.,/])([0-9]{1,3}|[፩-፼]{1,8})\s?፥\s?([0-9]{1,3}|[፩-፼]{1,8})"
    r"(?:\s?[-‐‑‒–—−]\s?([0-9]{1,3}|[፩-፼]{1,8}))?(?![0-9፩-፼]|[:፡፥.,/][0-9፩-፼])"
)
_ERA_AFTER = re.compile(r"\s?(?:(?P<et>[ዓአ][./]\s?ም|ዓመተ ም)|\(?(?P<gr>እ[./]?\s?[ኤአ][./]?\s?አ))")
_GREGORIAN_BEFORE = re.compile(r"እ[./]?\s?[ኤአ][./]?\s?አ\.?\s*\w{0,3}\Z")


@dataclass(frozen=True)
class _Month:
    name: str
    days: int


@cache
def _months() -> dict[tuple[str, int], _Month]:
    columns = ("month", "ethiopian", "ethiopian_days", "gregorian", "gregorian_days")
    found: dict[tuple[str, int], _Month] = {}
    for row in rows("amharic_tts.text", "months.tsv", columns):
        found["ethiopian", int(row[0])] = _Month(row[1], int(row[2]))
        found["gregorian", int(row[0])] = _Month(row[3], int(row[4]))
    return found


def _calendar(match: re.Match[str]) -> str:
    """Return the calendar that the text names beside a date, or an empty string."""
    if _GREGORIAN_BEFORE.search(match.string[max(0, match.start() - 14) : match.start()]):
        return "gregorian"
    after = _ERA_AFTER.match(match.string, match.end())
    if after is None:
        return ""
    return "ethiopian" if after["et"] else "gregorian"


def _said(calendar: str, month: int, day: int, year: str) -> str | None:
    known = _months().get((calendar, month))
    if known is None or not 1 <= day <= known.days:
        return None
    day_words = f"{numerals.cardinal(day)} {numerals.word('day')}"
    return f"{known.name} {day_words} {numerals.number(year)}"


def year_first(match: re.Match[str]) -> str:
    """Return 2016-03-12 as words."""
    calendar = _calendar(match) or "gregorian"
    words = _said(calendar, int(match[3]), int(match[4]), match[1])
    return match[0] if words is None or _longer(match) else fit(match, words)


def year_last(match: re.Match[str]) -> str:
    """Return 12/03/2016 as words."""
    words = _day_first(_calendar(match), match[1], match[3], match[4])
    return match[0] if words is None or _longer(match) else fit(match, words)


def span(match: re.Match[str]) -> str:
    """Return 12/03/2016-15/04/2016 as words."""
    calendar = _calendar(match)
    first = _day_first(calendar, match[1], match[3], match[4])
    last = _day_first(calendar, match[5], match[7], match[8])
    if first is None or last is None or _longer(match):
        return match[0]
    head = "" if has_prefix(match.string, match.start()) else numerals.word("from")
    return fit(match, f"{head}{first} {numerals.word('until')} {last}")


def _day_first(calendar: str, first: str, second: str, year: str) -> str | None:
    words = _said(calendar or "ethiopian", int(second), int(first), year)
    if words is None and calendar != "ethiopian":
        words = _said("gregorian", int(first), int(second), year)
    return words


def _longer(match: re.Match[str]) -> bool:
    """Return whether hyphens join a date with hyphens to more digits, as in an account number."""
    text, (start, end) = match.string, match.span()
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return match[2] == "-" and (
        (before[1:] == "-" and before[0].isdigit()) or (after[:1] == "-" and after[1:].isdigit())
    )


def after_month(match: re.Match[str]) -> str:
    """Return the 5/2017 of መስከረም 5/2017 as words."""
    text, start = match.string, match.start() - 1
    before = text[max(0, start - 12) : start].split()
    names = tuple(month.name for month in _months().values() if month.name)
    if not before or not before[-1].endswith(names) or not 1 <= int(match["d"]) <= 31:
        return match[0]
    day = numerals.cardinal(int(match["d"]))
    return fit(match, f"{day} {numerals.word('day')} {numerals.number(match['y'])}")


def _clock(hour: str, minute: str, second: str | None) -> str | None:
    if int(hour) > 24:
        return None
    words = f"{numerals.cardinal(int(hour))} {numerals.word('hour')}"
    from_ = numerals.word("from")
    if minute == "30" and not second:
        return f"{words} {numerals.word('and_half')}"
    if minute == "15" and not second:
        return f"{words} {from_}{numerals.word('quarter')}"
    if int(minute):
        words += f" {from_}{numerals.cardinal(int(minute))} {numerals.word('minute')}"
    if second and int(second):
        words += f" {from_}{numerals.cardinal(int(second))} {numerals.word('second')}"
    return words


def time(match: re.Match[str]) -> str:
    """Return 3:30 as words; a ሰዓት after it is not said twice."""
    words = _clock(match[1], match[2], match[3])
    return match[0] if words is None else fit(match, words)


def times(match: re.Match[str]) -> str:
    """Return 3:30-5:00 as words."""
    first, last = _clock(match[1], match[2], match[3]), _clock(match[4], match[5], match[6])
    if first is None or last is None:
        return match[0]
    head = "" if has_prefix(match.string, match.start()) else numerals.word("from")
    return fit(match, f"{head}{first} {numerals.word('until')} {last}")


def verse(match: re.Match[str]) -> str:
    """Return 3፥16-18 as chapter and verses."""
    chapter, first = numerals.either(match[1]), numerals.either(match[2])
    words = f"{numerals.word('chapter')} {chapter} {numerals.word('verse')} {first}"
    if match[3]:
        words += f" {numerals.word('until')} {numerals.either(match[3])}"
    return fit(match, words)
