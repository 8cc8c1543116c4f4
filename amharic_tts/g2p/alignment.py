"""Two sequences of segments laid side by side with the fewest edits, and what each edit is.

The number of edits is the plain edit distance. Among the alignments with that number, the one that
a linguist would draw is taken: long with short, vowel with vowel, never a vowel with a consonant
where an insertion and a deletion cost the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

from amharic_tts.g2p.symbols import LONG, VOWELS

# One edit weighs more than all the likenesses of a text together; they only break ties.
_EDIT = 1 << 20
_LIKE, _RELATED, _UNLIKE, _OPPOSED = 0, 1, 2, 7
_CONSONANT = 3
"""Of a vowel and a consonant, the vowel is taken for the one that is missing or extra."""
_LARYNGEALS = ("h", "ʔ", "ħ", "ʕ")


class Category(str, Enum):
    """What kind of mistake an edit is."""

    GEMINATION_MISSED = "gemination_missed"
    GEMINATION_INVENTED = "gemination_invented"
    EPENTHESIS_MISSING = "epenthesis_missing"
    EPENTHESIS_WRONG = "epenthesis_wrong"
    EPENTHESIS_SIDE = "epenthesis_side"
    LARYNGEAL = "laryngeal_vowel"
    INITIAL_GLOTTAL = "initial_glottal"
    EJECTIVE = "ejective"
    LABIALISED = "labialised"
    NOTHING = "nothing_written"
    OTHER = "other"


CATEGORY_LABELS = {
    Category.GEMINATION_MISSED: "long consonant missed",
    Category.GEMINATION_INVENTED: "long consonant invented",
    Category.EPENTHESIS_MISSING: "ɨ missing",
    Category.EPENTHESIS_WRONG: "ɨ where there is none",
    Category.EPENTHESIS_SIDE: "ɨ on the wrong side of a consonant",
    Category.LARYNGEAL: "ə for a after h or ʔ",
    Category.INITIAL_GLOTTAL: "ʔ at the start of a word",
    Category.EJECTIVE: "ejective mark",
    Category.LABIALISED: "labialised consonant",
    Category.NOTHING: "nothing written",
    Category.OTHER: "other",
}


@dataclass(frozen=True)
class Edit:
    """One difference: `wanted` or `written` is empty where a segment is extra or missing."""

    wanted: str
    written: str
    at: int
    """Index in the wanted segments."""
    before: tuple[str, ...]
    """The wanted segments before it, at most two."""


def distance(wanted: Sequence[str], written: Sequence[str]) -> int:
    """Return the number of edits from one sequence to the other (Levenshtein 1966)."""
    if list(wanted) == list(written):
        return 0
    row = list(range(len(written) + 1))
    for i, left in enumerate(wanted, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(written, 1):
            change = diagonal + (left != right)
            diagonal = row[j]
            row[j] = min(change, diagonal + 1, row[j - 1] + 1)
    return row[-1]


def edits(wanted: Sequence[str], written: Sequence[str]) -> list[Edit]:
    """Return the edits of the best alignment, in order."""
    costs = _costs(wanted, written)
    found: list[Edit] = []
    i, j = len(wanted), len(written)
    while i or j:
        if (
            i
            and j
            and costs[i][j] == costs[i - 1][j - 1] + change_cost(wanted[i - 1], written[j - 1])
        ):
            i, j = i - 1, j - 1
            if wanted[i] != written[j]:
                found.append(Edit(wanted[i], written[j], i, _before(wanted, i)))
        elif i and costs[i][j] == costs[i - 1][j] + gap_cost(wanted[i - 1]):
            i -= 1
            found.append(Edit(wanted[i], "", i, _before(wanted, i)))
        else:
            j -= 1
            found.append(Edit("", written[j], i, _before(wanted, i)))
    return found[::-1]


def _before(wanted: Sequence[str], at: int) -> tuple[str, ...]:
    return tuple(wanted[max(0, at - 2) : at])


def _costs(wanted: Sequence[str], written: Sequence[str]) -> list[list[int]]:
    costs = [list(accumulate(map(gap_cost, written), initial=0))]
    for left in wanted:
        above, row = costs[-1], [costs[-1][0] + gap_cost(left)]
        for j, right in enumerate(written, 1):
            change = above[j - 1] + change_cost(left, right)
            row.append(min(change, above[j] + gap_cost(left), row[-1] + gap_cost(right)))
        costs.append(row)
    return costs


def gap_cost(segment: str) -> int:
    """Return what it costs to leave a segment without a partner."""
    return _EDIT if segment in VOWELS else _EDIT + _CONSONANT


def change_cost(left: str, right: str) -> int:
    """Return what it costs to lay two segments side by side; 0 for equal ones."""
    if left == right:
        return 0
    short_left, short_right = left.rstrip(LONG), right.rstrip(LONG)
    if short_left == short_right:
        return _EDIT + _LIKE
    if (short_left in VOWELS) != (short_right in VOWELS):
        return _EDIT + _OPPOSED
    if short_left in VOWELS or _plain(short_left) == _plain(short_right):
        return _EDIT + _RELATED
    return _EDIT + _UNLIKE


def _plain(consonant: str) -> str:
    """Return a consonant without ejection and rounding; ``ts`` is ጸ without it, or with one s."""
    return {"ts": "s"}.get(consonant, consonant.rstrip("ʷʼ"))


def sorted_edits(
    wanted: Sequence[str], written: Sequence[str]
) -> list[tuple[Category, tuple[Edit, ...]]]:
    """Return the edits with their categories; a ɨ moved over one consonant is one mistake of two.

    Together the mistakes hold every edit of `edits` once. An empty output is one mistake.
    """
    if wanted and not written:
        return [(Category.NOTHING, tuple(edits(wanted, written)))]
    found: list[tuple[Category, tuple[Edit, ...]]] = []
    waiting: Edit | None = None
    for edit in edits(wanted, written):
        if "ɨ" in (edit.wanted, edit.written) and "" in (edit.wanted, edit.written):
            if waiting and _moved(waiting, edit):
                found[-1] = (Category.EPENTHESIS_SIDE, (waiting, edit))
                waiting = None
                continue
            waiting = edit
        else:
            waiting = None
        found.append((category(edit), (edit,)))
    return found


def _moved(first: Edit, second: Edit) -> bool:
    """Tell whether two edits of ɨ, one missing and one extra, have one consonant between them."""
    if bool(first.wanted) == bool(second.wanted):
        return False
    return second.at - first.at == (2 if first.wanted else 1)


def category(edit: Edit) -> Category:
    """Return what kind of mistake one edit is by itself."""
    wanted, written = edit.wanted.rstrip(LONG), edit.written.rstrip(LONG)
    if wanted == written:
        long_wanted = LONG in edit.wanted
        return Category.GEMINATION_MISSED if long_wanted else Category.GEMINATION_INVENTED
    if not edit.written and wanted == "ɨ":
        return Category.EPENTHESIS_MISSING
    if not edit.wanted and written == "ɨ":
        return Category.EPENTHESIS_WRONG
    if (wanted, written) == ("a", "ə") and edit.before[-1:] and edit.before[-1][0] in _LARYNGEALS:
        return Category.LARYNGEAL
    if edit.at == 0 and {wanted, written} == {"ʔ", ""}:
        return Category.INITIAL_GLOTTAL
    if wanted and written and wanted not in VOWELS and _plain(wanted) == _plain(written):
        return Category.EJECTIVE
    if _labialised(edit, wanted, written):
        return Category.LABIALISED
    return Category.OTHER


def _labialised(edit: Edit, wanted: str, written: str) -> bool:
    """Tell whether an edit is at the w after a consonant, or at the vowel after that w."""
    before = [segment.rstrip(LONG) for segment in edit.before]
    if "w" in (wanted, written):
        return bool(before) and before[-1] not in VOWELS
    vowels = wanted in VOWELS and written in VOWELS
    return vowels and len(before) == 2 and before[0] not in VOWELS and before[1] == "w"
