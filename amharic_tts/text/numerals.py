"""Numbers as Amharic words, and the value of Ge'ez numerals; words from `data/numerals.tsv`."""

from __future__ import annotations

from functools import cache

from amharic_tts.text.tables import rows

LARGEST = 10**15 - 1
"""Above this, digits are read one by one."""

_GEEZ = {
    **{chr(0x1369 + i): i + 1 for i in range(9)},
    **{chr(0x1372 + i): 10 * (i + 1) for i in range(9)},
}
_HUNDRED, _TEN_THOUSAND = "፻", "፼"


@cache
def _words() -> dict[str, tuple[str, str]]:
    columns = ("value", "cardinal", "ordinal")
    return {row[0]: (row[1], row[2]) for row in rows("amharic_tts.text", "numerals.tsv", columns)}


def _word(value: int | str) -> str:
    return _words()[str(value)][0]


def cardinal(value: int) -> str:
    """Return the Amharic words of a whole number: 1887 -> አንድ ሺህ ስምንት መቶ ሰማንያ ሰባት.

    Raises:
        ValueError: It is negative or above `LARGEST`.
    """
    if not 0 <= value <= LARGEST:
        raise ValueError(f"{value} is not between 0 and {LARGEST}")
    if value <= 10:
        return _word(value)
    if value < 20:
        return f"{_word('teen')} {_word(value - 10)}"
    if value < 100:
        return _joined(_word(value - value % 10), value % 10)
    for unit in (10**12, 10**9, 10**6, 1000, 100):
        if value >= unit:
            count, rest = divmod(value, unit)
            return _joined(f"{cardinal(count)} {_word(unit)}", rest)
    raise AssertionError("unreachable")


def _joined(words: str, rest: int) -> str:
    return f"{words} {cardinal(rest)}" if rest else words


def ordinal(value: int) -> str:
    """Return the Amharic ordinal: 2 -> ሁለተኛ, 21 -> ሃያ አንደኛ, 100 -> መቶኛ (without "one").

    Raises:
        ValueError: It is negative or above `LARGEST`.
    """
    *before, last = cardinal(value).split(" ")
    if value in (100, 1000):
        before = []
    forms = dict(_words().values())
    return " ".join([*before, forms[last]])


def digits(text: str) -> str:
    """Return ASCII digits read one by one: 091 -> ዜሮ ዘጠኝ አንድ."""
    return " ".join(_word(digit) for digit in text)


def number(text: str) -> str:
    """Return the words of ASCII digits; a leading zero or too great a value is read by digits."""
    if len(text) > 1 and (text[0] == "0" or len(text) > len(str(LARGEST))):
        return digits(text)
    return cardinal(int(text))


def decimal(whole: str, fraction: str) -> str:
    """Return a decimal: 3.14 -> ሦስት ነጥብ አንድ አራት (the digits after the point one by one)."""
    whole_words = cardinal(0) if set(whole) == {"0"} else number(whole)
    return f"{whole_words} {_word('point')} {digits(fraction)}"


def word(name: str) -> str:
    """Return a word that goes with numbers, by its name in the table: `minus`, `until`, `half`."""
    return _word(name)


def geez_value(numerals: str) -> int | None:
    """Return the value of a run of Ge'ez numerals, or None where they do not make one number.

    Groups are of two: ፻ multiplies what precedes by 100, ፼ by 10,000; an empty group counts as
    one. ፲፰፻፹፯ is 1887, ፳፻፲፯ is 2017, ፻፳፫፼፬፻፶፮ is 1,230,456.
    """
    total = hundreds = rest = 0
    last = 10**9
    for sign in numerals:
        if sign == _TEN_THOUSAND:
            total = (total + hundreds + rest or 1) * 10_000
            if total > LARGEST:
                return None
            hundreds = rest = 0
            last = 10**9
        elif sign == _HUNDRED:
            if hundreds:
                return None
            hundreds, rest = (rest or 1) * 100, 0
            last = 10**9
        else:
            value = _GEEZ[sign]
            # Tens come before units, each once: ፩፪ and ፪፲ are not numbers.
            if value >= last or (value >= 10 and last < 10**9):
                return None
            rest, last = rest + value, 10 if value >= 10 else 1
    value = total + hundreds + rest
    return value if value <= LARGEST else None


def geez(numerals: str) -> str:
    """Return the words of a run of Ge'ez numerals; one that is not a number is read by signs."""
    value = geez_value(numerals)
    if value is not None:
        return cardinal(value)
    values = {**_GEEZ, _HUNDRED: 100, _TEN_THOUSAND: 10_000}
    return " ".join(cardinal(values[sign]) for sign in numerals)


def either(text: str) -> str:
    """Return the words of a run of ASCII digits or of Ge'ez numerals."""
    return number(text) if text.isascii() else geez(text)
