"""Numbers with what belongs to them: money, units, percent, ranges, fractions, ordinals, signs.

Rules for what can be read in more than one way:

* 5-10 is a range where the second number is the greater (ከአምስት እስከ አሥር; after a prefix without
  its own ከ: ለአምስት እስከ አሥር). Otherwise, up to 99, it is a score: 2-1 ሁለት ለአንድ.
* A dash between numbers has a space on both sides or on none. A hyphen is a minus only at the
  start of a word (-5, 7 -5); U+2212 is one wherever no number precedes.
  With degrees it is said as below zero.
* 1/2 is a fraction where the numerator is the smaller, the denominator is 2 to 10, 100 or 1000,
  and no ቁጥር precedes; any other slash stays between its numbers (አዋጅ ቁጥር 721/2004).
* A comma groups thousands only in threes; 12,5 is two numbers. Two decimals of money are its
  hundredths: 500.50 ብር.
"""

from __future__ import annotations

import re
from functools import cache

from amharic_tts.text import numerals
from amharic_tts.text.attach import fit, has_prefix
from amharic_tts.text.ethiopic import letter_class
from amharic_tts.text.tables import rows

_LETTER = f"[{letter_class()}]"
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,15})(?:\.[0-9]{1,20})?(?![0-9]|[.,][0-9])"
_START = r"(?<![0-9])(?<![0-9][.,/:])"
_DASH = r"[-‐‑‒–—−]"
_TO = rf"(?:{_DASH}|\s{_DASH}\s)"
_RANGE = rf"(?P<a>{_NUMBER})(?:{_TO}(?P<b>{_NUMBER}))?(?!{_DASH}[0-9])"
# Endings that a word after a number may have and still be that word.
_WORD_END = f"(?=(?:ንም|ን|ና|ም|ስ)?(?!{_LETTER}|[./]{_LETTER}))"
# A unit of one letter takes none: 20 ግን is "but twenty", not grams.
_BARE_END = f"(?!{_LETTER}|[./]{_LETTER})"
_SCALE = "(?:\\s?(?P<scale>ሺህ|ሺ|ሚሊዮን|ሚልዮን|ቢሊዮን|ቢልዮን|ትሪሊዮን))?"
_MINUS = r"(?P<minus>(?<![^\s(\[=<>])[-‐−](?=[0-9])|(?<![0-9.,)])−(?=[0-9]))?"

ORDINAL_RANGE = re.compile(
    rf"{_START}([0-9]{{1,6}})\s?ኛ?{_TO}([0-9]{{1,6}})\s?ኛ"
    f"|(?<![፩-፼])([፩-፼]{{1,12}})(?:\\s?ኛ)?{_TO}([፩-፼]{{1,12}})\\s?ኛ"
)
ORDINAL = re.compile(rf"{_START}([0-9]{{1,15}})[ \-]?ኛ|(?<![፩-፼])([፩-፼]{{1,20}})[ \-]?ኛ")
RANGE = re.compile(
    rf"(?<![0-9A-Za-z/:.,+\-])(?P<a>{_NUMBER}){_TO}(?P<b>{_NUMBER})(?!{_DASH}[0-9])"
    f"|(?<![፩-፼])(?P<c>[፩-፼]{{1,12}}){_TO}(?P<d>[፩-፼]{{1,12}})(?![፩-፼])"
)
PERCENT = "%％‰"
PERCENTAGE = re.compile(
    rf"{_MINUS}{_START}{_RANGE}\s?(?P<unit>[{PERCENT}])|(?<![0-9])(?P<first>%)\s?(?P<of>{_NUMBER})"
)
NEGATIVE = re.compile(rf"(?:(?<![^\s(\[=<>])[-‐−]|(?<![0-9.,)])−)(?P<a>{_NUMBER})")
FRACTION = re.compile(
    r"(?<![0-9/.,:\-])(?:([0-9]{1,6})\s)?([1-9][0-9]{0,2})/([1-9][0-9]{0,3})(?![0-9]|[/.,:\-][0-9])"
)
FRACTION_SIGN = re.compile(r"(?:(?<![0-9/.,:\-])([0-9]{1,6})\s?)?([½¼¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")


def _either(written: list[str]) -> str:
    """Return a pattern of the written forms, longest first, each ending where its word ends."""
    forms = []
    for form in sorted(written, key=len, reverse=True):
        last = form[-1]
        if re.match(_LETTER, last):
            end = _WORD_END if len(form) > 1 else _BARE_END
            stop = r"(?:\.(?=\s|\Z))?" if "." in form else ""
            forms.append(re.escape(form) + stop + end)
        elif last.isalpha():
            forms.append(re.escape(form) + "(?![A-Za-z0-9²³])")
        else:
            forms.append(re.escape(form))
    return "|".join(forms)


@cache
def units() -> re.Pattern[str]:
    """Return the pattern of a number and a unit of `data/units.tsv`."""
    forms = _either([unit for unit in _units() if unit not in PERCENT])
    return re.compile(rf"{_MINUS}{_START}{_RANGE}\s?(?P<unit>{forms})")


@cache
def _units() -> dict[str, str]:
    return {row[0]: row[1] for row in rows("amharic_tts.text", "units.tsv", ("written", "words"))}


@cache
def _currencies() -> dict[str, tuple[str, str]]:
    columns = ("written", "word", "hundredth")
    return {row[0]: (row[1], row[2]) for row in rows("amharic_tts.text", "currencies.tsv", columns)}


@cache
def money_before() -> re.Pattern[str]:
    """Return the pattern of a sign or code and an amount: $5, ETB 500."""
    signs = [sign for sign in _currencies() if not re.match(_LETTER, sign)]
    either = "|".join(re.escape(sign) for sign in sorted(signs, key=len, reverse=True))
    scale = f"(?:{_SCALE}(?!{_LETTER}))"
    return re.compile(rf"(?<![A-Za-z0-9])(?P<sign>{either})\s?{_RANGE}(?:{scale})")


@cache
def money_after() -> re.Pattern[str]:
    """Return the pattern of an amount and a sign, a code or a currency's word: 500.50 ብር."""
    forms = _either(list(_currencies()))
    return re.compile(rf"{_START}{_RANGE}{_SCALE}\s?(?P<sign>{forms})")


@cache
def _fractions() -> dict[str, tuple[str, str]]:
    columns = ("written", "value", "words")
    return {row[0]: (row[1], row[2]) for row in rows("amharic_tts.text", "fractions.tsv", columns)}


def value(written: str) -> str:
    """Return the words of digits, with thousands and decimals: 1,234.5."""
    if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", written):
        written = written.replace(",", "")
    point = re.fullmatch(r"([0-9]+)\.([0-9]+)", written)
    if point:
        return numerals.decimal(point[1], point[2])
    # Neither a number with thousands nor a decimal (12,5 or 1.2.3): part by part.
    parts = re.split(r"([.,]+)", written)
    return "".join(
        f"{part} " if part[0] in ".," else numerals.number(part) for part in parts if part
    )


def _amount(match: re.Match[str]) -> str | None:
    """Return the words of a number or a range, or None for two numbers that are neither."""
    first, last = match["a"], match["b"]
    if last is None:
        return value(first)
    low, high = float(first.replace(",", "")), float(last.replace(",", ""))
    return _between(match, value(first), value(last), low, high)


def _between(match: re.Match[str], first: str, last: str, low: float, high: float) -> str | None:
    if low < high:
        text, start = match.string, match.start()
        own = has_prefix(text, start) or text[max(0, start - 2) : start] == "ከ "
        head = "" if own else numerals.word("from")
        return f"{head}{first} {numerals.word('until')} {last}"
    spaced = re.search(rf"\s{_DASH}", match[0])
    if low <= 99 and low.is_integer() and high.is_integer() and not spaced:
        return f"{first} {numerals.word('to')}{last}"
    return None


def quantity(match: re.Match[str]) -> str:
    """Return a number or a range with its unit as words."""
    words = _amount(match)
    if words is None:
        return match[0]
    unit = match["unit"]
    unit_words = _units()[unit if unit in _units() else unit.rstrip(".")]
    words = f"{words} {unit_words}"
    if match["minus"]:
        below = "below_zero" if unit[0] in "°℃℉" else "minus"
        words = f"{numerals.word(below)} {words}"
    return fit(match, words)


def percentage(match: re.Match[str]) -> str:
    """Return 50%, also written %50, as words."""
    if match["first"]:
        return fit(match, f"{value(match['of'])} {_units()['%']}")
    return quantity(match)


def money(match: re.Match[str]) -> str:
    """Return an amount of money as words; a plain ብር after a whole number stays for `number`."""
    sign = match["sign"]
    word, hundredth = _currencies()[sign]
    whole, _, cents = match["a"].partition(".")
    if match["b"] is None and match["scale"] is None and len(cents) == 2:
        return fit(match, _with_cents(whole, cents, word, hundredth))
    words = _amount(match)
    if sign == word or words is None:
        return match[0]
    scale = f" {match['scale']}" if match["scale"] else ""
    return fit(match, f"{words}{scale} {word}")


def _with_cents(whole: str, cents: str, word: str, hundredth: str) -> str:
    minor = f"{numerals.cardinal(int(cents))} {hundredth}"
    if cents == "00":
        return f"{value(whole)} {word}"
    if set(whole) == {"0"}:
        return minor
    return f"{value(whole)} {word} {numerals.word('from')}{minor}"


def span(match: re.Match[str]) -> str:
    """Return a range or a score as words."""
    if match["c"]:
        low, high = numerals.geez_value(match["c"]), numerals.geez_value(match["d"])
        first, last = numerals.geez(match["c"]), numerals.geez(match["d"])
        words = _between(match, first, last, float(low or 0), float(high or 0))
    else:
        words = _amount(match)
    return match[0] if words is None else fit(match, words)


def ordinal_span(match: re.Match[str]) -> str:
    """Return a range of ordinals as words: 5ኛ-8ኛ."""
    low, high = _int(match[1] or match[3]), _int(match[2] or match[4])
    if low is None or high is None or low >= high:
        return match[0]
    first = numerals.ordinal(low) if "ኛ" in match[0][:-1] else numerals.cardinal(low)
    words = _between(match, first, numerals.ordinal(high), float(low), float(high))
    return match[0] if words is None else fit(match, words)


def ordinal(match: re.Match[str]) -> str:
    """Return an ordinal as words: 25ኛ, ፩ኛ."""
    number = _int(match[1] or match[2])
    if number is None:
        return fit(match, numerals.geez(match[2]) + "ኛ")
    return fit(match, numerals.ordinal(number))


def _int(written: str) -> int | None:
    return int(written) if written.isascii() else numerals.geez_value(written)


def negative(match: re.Match[str]) -> str:
    """Return a number below zero as words."""
    return fit(match, f"{numerals.word('minus')} {value(match['a'])}")


def fraction(match: re.Match[str]) -> str:
    """Return 1/2, 2 3/4 as words, or what is written where it is no fraction by the rule."""
    upper, lower = int(match[2]), int(match[3])
    before = match.string[max(0, match.start() - 8) : match.start()].rstrip()
    if upper >= lower or lower not in (*range(2, 11), 100, 1000) or before.endswith("ቁጥር"):
        return match[0]
    return fit(match, _fraction_words(match[1], f"{upper}/{lower}"))


def fraction_sign(match: re.Match[str]) -> str:
    """Return ½, 2½ as words."""
    return fit(match, _fraction_words(match[1], _fractions()[match[2]][0]))


def _fraction_words(whole: str | None, written: str) -> str:
    words = _fractions()[written][1] if written in _fractions() else ""
    if not words:
        upper, _, lower = written.partition("/")
        words = f"{numerals.cardinal(int(upper))} {numerals.ordinal(int(lower))}"
    if whole is None:
        return words
    if written == "1/2":
        return f"{numerals.number(whole)} {numerals.word('and_half')}"
    return f"{numerals.number(whole)} {numerals.word('from')}{words}"


def starts(*names: str) -> str:
    """Return the characters with which the forms of these tables begin: `units`, `currencies`."""
    tables = {"units": tuple(_units()), "currencies": tuple(_currencies())}
    return "".join(sorted({form[0] for name in names for form in tables[name]}))
