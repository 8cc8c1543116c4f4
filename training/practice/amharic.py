"""Amharic words in the forms that a sentence needs, and made-up words of every fidel.

Endings change the order of a word's last letter; in Unicode the seven orders of a consonant follow
each other from a multiple of 8. Forms after Leslau, "Reference Grammar of Amharic" (1995): the
perfect, the compound imperfect, their negatives, the article, plural, object and possessives.
"""

from __future__ import annotations

from functools import cache

from amharic_tts.text.ethiopic import GEMINATION
from training.practice.words import Decks, fill, read_words

FILE = "amharic.tsv"
PERSONS = ("he", "she", "they", "i", "we", "you")
_NOUNS = ("man", "woman", "animal", "thing", "food", "drink", "mass", "place", "body", "idea")
_VERBS = ("go", "happen", "do", "meet")
_PLAIN = (
    "name",
    "city",
    "adj",
    "when",
    "before",
    "after",
    "month",
    "adv",
    "number",
    "order",
    "many",
    "this",
    "word",
)
_PAST = {"he": "", "she": "ች", "they": "", "i": "ኩ", "we": "ን", "you": "ክ"}
_WEAK_PAST = _PAST | {"i": "ሁ", "you": "ህ"}
_PREFIX = {"he": "ይ", "she": "ት", "they": "ይ", "i": "እ", "we": "እን", "you": "ት"}
_PREFIX_A = {"he": "ያ", "she": "ታ", "they": "ያ", "i": "አ", "we": "እና", "you": "ታ"}
_PRESENT = {"he": "ል", "she": "ለች", "they": "ሉ", "i": "ለሁ", "we": "ለን", "you": "ለህ"}
_BE = {"he": "ነው", "she": "ናት", "they": "ናቸው", "i": "ነኝ", "we": "ነን", "you": "ነህ"}
_WAS = {"he": "ነበር", "she": "ነበረች", "they": "ነበሩ", "i": "ነበርኩ", "we": "ነበርን", "you": "ነበርክ"}
_PRONOUN = {"i": "እኔ", "we": "እኛ", "you": "አንተ", "they": "እነሱ", "he": "እሱ", "she": "እሷ"}
_PALATAL = dict(zip("ደተጠጸሰሠዘነለ", "ጀቸጨጨሸሸዠኘየ", strict=True))
"""What the last consonant becomes before the converb's ending of `I`."""
_PREPOSITIONS = ("በ", "ከ", "ለ", "የ", "ስለ", "እንደ")
_MARKED = 0.4
"""Share of made-up words in which one consonant is marked as long; in words as people write them
few of the rarer consonants are."""


def ordered(word: str, order: int) -> str:
    """Return a word with its last letter in another order, 1 to 7: ``ordered("ቤት", 2)`` -> ቤቱ."""
    last = ord(word[-1])
    return word[:-1] + chr(last - last % 8 + order - 1)


def order_of(word: str) -> int:
    """Return the order of a word's last letter, 1 to 8."""
    return ord(word[-1]) % 8 + 1


def definite(noun: str) -> str:
    """Return a noun with the article of a masculine: ቤቱ, ውሻው."""
    return ordered(noun, 2) if order_of(noun) == 6 else noun + "ው"


def plural(noun: str) -> str:
    """Return the plural: ቤቶች, ውሻዎች."""
    return ordered(noun, 7) + "ች" if order_of(noun) == 6 else noun + "ዎች"


def mine(noun: str) -> str:
    """Return `my` noun: ቤቴ, ውሻዬ."""
    return ordered(noun, 5) if order_of(noun) == 6 else noun + "ዬ"


def ours(noun: str) -> str:
    """Return `our` noun: ቤታችን, ውሻችን, በሬያችን."""
    if order_of(noun) in (4, 6):
        return ordered(noun, 4) + "ችን"
    return noun + "ያችን"


def past(entry: str, person: str) -> str:
    """Return the perfect of a person: ሄደ, ሄደች, ሄዱ, ሄድኩ, ሄድን, ሄድክ."""
    stem = entry.split("/")[0]
    weak = stem.endswith("~") or order_of(stem) == 4
    stem = stem.rstrip("~")
    if person == "they":
        return ordered(stem, 2)
    if weak or person in ("he", "she"):
        return stem + _WEAK_PAST[person]
    return ordered(stem, 6) + _PAST[person]


def present(entry: str, person: str) -> str:
    """Return the compound imperfect of a person: ይሄዳል, ትሄዳለች, ይሄዳሉ, እሄዳለሁ, እንሄዳለን, ትሄዳለህ."""
    return ordered(_imperfect(entry, person), 4) + _PRESENT[person]


def past_not(entry: str, person: str) -> str:
    """Return the negative perfect: አልሄደም, አላደረገም."""
    return _joined("አል", "አላ", past(entry, person)) + "ም"


def present_not(entry: str, person: str) -> str:
    """Return the negative imperfect: አይሄድም, አላደርግም."""
    stem = _many(_imperfect(entry, person), person)
    if person == "i":
        return ("አላ" if stem[0] == "አ" else "አል") + stem[1:] + "ም"
    return "አ" + stem.removeprefix("እ") + "ም"


def subordinate(entry: str, person: str, sign: str) -> str:
    """Return the imperfect behind ሲ "while" or ሊ "about to": ሲሄድ, ስትሄድ, ስሄድ; ሊያደርግ, ላደርግ."""
    stem = _many(_imperfect(entry, person), person)
    short = ordered(sign, 6)
    if person in ("he", "they"):
        return sign + (stem[1:] if stem[0] == "ይ" else stem)
    if person == "i":
        return (ordered(sign, 4) if stem[0] == "አ" else short) + stem[1:]
    return short + stem.removeprefix("እ")


def relative(entry: str) -> str:
    """Return "who ...", masculine, with the article: የሄደው, ያደረገው."""
    return _joined("የ", "ያ", past(entry, "he")) + "ው"


def regular(entry: str) -> bool:
    """Return whether `converb` knows the verb: two letters, or three of the first order."""
    stem = entry.split("/")[0].rstrip("~")
    if len(stem) == 2:
        return order_of(stem) == 4 or order_of(stem[0]) != 1 or "~" in entry
    first = all(order_of(letter) == 1 for letter in stem)
    return len(stem) == 3 and first and "~" not in entry and stem[1] != stem[2]


def converb(entry: str, person: str) -> str:
    """Return "having ...", of a `regular` verb: ሄዶ, ሄዳ, ሄደው, ሄጄ, ሄደን, ሄደህ; መጥቶ; ጽፎ; ሰብሮ."""
    stem = entry.split("/")[0].rstrip("~")
    if len(stem) == 3:
        stem = stem[0] + ordered(stem[1], 6) + stem[2]
    elif order_of(stem) == 4 or "~" in entry:
        stem = ordered(stem, 6) + "ተ"
    elif order_of(stem[0]) == 4:
        stem = ordered(stem[0], 6) + stem[1]
    if person in ("he", "she"):
        return ordered(stem, 7 if person == "he" else 4)
    if person == "i":
        return ordered(stem[:-1] + _PALATAL.get(stem[-1], stem[-1]), 5)
    return stem + {"they": "ው", "we": "ን", "you": "ህ"}[person]


def perfect(entry: str, person: str) -> str:
    """Return the present perfect of a `regular` verb: ሄዶአል, ሄዳለች, ሄደዋል, ሄጃለሁ, ሄደናል, ሄደሃል."""
    stem = converb(entry, person)
    if person == "he":
        return stem + "አል"
    return ordered(stem, 4) + {**_PRESENT, "they": "ል", "we": "ል", "you": "ል", "i": "ለሁ"}[person]


def past_with(entry: str, person: str, whom: str) -> str:
    """Return the perfect of he, she, they or I with `him` or `me` at its end: ሰጠኝ, ሰበሩት, ጠራሁት."""
    short = "ኝ" if whom == "me" else "ው" if person in ("he", "she") else "ት"
    return past(entry, person) + short


def _imperfect(entry: str, person: str) -> str:
    stem = entry.split("/")[1]
    return (_PREFIX_A if stem[0] == "ያ" else _PREFIX)[person] + stem[1:]


def _many(stem: str, person: str) -> str:
    return ordered(stem, 2) if person == "they" else stem


def _joined(before: str, before_a: str, word: str) -> str:
    """Return a prefix and a word; with a word's first አ it grows together."""
    return before_a + word[1:] if word[0] == "አ" else before + word


class Amharic:
    """Amharic texts of the kinds in `data/amharic.tsv`."""

    def __init__(self, decks: Decks) -> None:
        """Draw from these words."""
        self._decks = decks
        self._person = "he"
        for kind in _VERBS:
            decks.add(f"{kind}.regular", [entry for entry in decks.words[kind] if regular(entry)])
        decks.add("long", [letter + GEMINATION for letter in decks.words["fidel"]])
        decks.add("any", _every_form())

    def word(self) -> str:
        """Return a word in any of its forms."""
        return self._decks.one("any")

    def made_up(self) -> str:
        """Return two to four letters of all that Amharic has, now and then one marked as long."""
        letters = [self._decks.one("fidel") for _ in range(self._decks.random.choice((2, 3, 3, 4)))]
        if self._decks.chance(_MARKED):
            letters[self._decks.random.randrange(1, len(letters))] = self._decks.one("long")
        return "".join(letters)

    def sentence(self) -> str:
        """Return a sentence; its verbs agree with its subject."""
        self._person = self._decks.random.choice(PERSONS)
        text = fill(self._decks.one("sentence"), self._slot).replace("_", " ")
        return " ".join(text.split())

    def _slot(self, kind: str, endings: tuple[str, ...]) -> str:
        decks = self._decks
        if kind == "subject":
            return self._subject()
        if kind in ("be", "was"):
            return (_BE if kind == "be" else _WAS)[self._person]
        if kind in _VERBS:
            known = {"done", "having"}.isdisjoint(endings)
            return self._verb(decks.one(kind if known else f"{kind}.regular"), endings)
        if kind == "when" and endings:
            return decks.one("when", endings[0])
        if kind == "person":
            kind = "man"
        if kind in _NOUNS:
            return self._noun(decks.one(kind), endings)
        return decks.one(kind)

    def _subject(self) -> str:
        decks, person = self._decks, self._person
        if decks.chance(0.2):
            return _PRONOUN[person]
        if person == "he":
            return decks.one("hero") if decks.chance(0.4) else definite(decks.one("man", "animal"))
        if person == "she":
            return decks.one("heroine") if decks.chance(0.4) else decks.one("woman") + "ዋ"
        if person == "they":
            return definite(plural(decks.one("man", "woman", "animal")))
        return ""

    def _noun(self, noun: str, endings: tuple[str, ...]) -> str:
        if "many" in endings:
            noun = plural(noun)
        if "my" in endings:
            noun = mine(noun) if self._decks.chance(0.5) else ours(noun)
        elif "the" in endings or ("object" in endings and "bare" not in endings):
            noun = definite(noun)
        if "and" in endings:
            return noun + "ና"
        return noun + "ን" if "object" in endings else noun

    def _verb(self, entry: str, endings: tuple[str, ...]) -> str:
        named = [ending for ending in endings if ending in PERSONS]
        person = "he" if "it" in endings else named[0] if named else self._person
        negative = "not" in endings
        if "who" in endings:
            return relative(entry)
        if "done" in endings or "having" in endings:
            return (perfect if "done" in endings else converb)(entry, person)
        if "me" in endings or "him" in endings:
            return past_with(entry, person, "me" if "me" in endings else "him")
        if "because" in endings:
            return _joined("ስለ", "ስላ", past(entry, person))
        if "if" in endings:
            return _joined("ከ", "ካ", past(entry, person))
        if "while" in endings:
            return subordinate(entry, person, "ሲ")
        if "will" in endings:
            return subordinate(entry, person, "ሊ") + " ነው"
        if "present" in endings:
            return (present_not if negative else present)(entry, person)
        return (past_not if negative else past)(entry, person)


def _noun_forms(noun: str) -> list[str]:
    the, many = definite(noun), plural(noun)
    owned = [mine(noun), ours(noun), noun + "ና", noun + "ም"]
    return [the, the + "ን", many, definite(many), *owned, *(p + noun for p in _PREPOSITIONS)]


def _verb_forms(entry: str, transitive: bool) -> list[str]:
    found = [relative(entry)]
    for person in PERSONS:
        found += [past(entry, person), present(entry, person)]
        found += [past_not(entry, person), present_not(entry, person)]
        found.append(subordinate(entry, person, "ሲ"))
        if regular(entry):
            found += [converb(entry, person), perfect(entry, person)]
    if transitive:
        found += [past_with(entry, person, "him") for person in ("he", "she", "they", "i")]
        found += [past_with(entry, person, "me") for person in ("he", "she", "they")]
    return found


@cache
def _every_form() -> tuple[str, ...]:
    """Return every word in all its forms, for the single words."""
    words = read_words(FILE)
    found: list[str] = []
    for kind in (*_PLAIN, *_NOUNS, "inside"):
        for entry in words[kind]:
            found += entry.split("_")
    for kind in _NOUNS:
        for noun in words[kind]:
            if "_" not in noun:
                found += _noun_forms(noun)
    for kind in _VERBS:
        for entry in words[kind]:
            found += _verb_forms(entry, transitive=kind in ("do", "meet"))
    return tuple(found)
