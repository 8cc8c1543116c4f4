"""Articulatory features of phones, and how far two phones are apart.

The features are those of PanPhon (Mortensen et al. 2016, "PanPhon: A Resource for Mapping IPA
Segments to Articulatory Feature Vectors", COLING), read out of the data files of the package
`panphon`. The package itself is not imported: that takes 1.5 CPU seconds and 67 MB (pandas), its
table read here 0.005 s and 3 MB.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amharic_tts.errors import MissingPart

Vector = NDArray[np.int8]
_VALUES = {"+": 1, "0": 0, "-": -1}
_TIED = re.compile("^(?:t(?=[ʃsɕʂ])|d(?=[ʒzʑʐ]))")
_SPELLED = {"ɝ": "ɜ˞", "ɚ": "ə˞", "g": "ɡ", "ᵻ": "ɨ", "ɫ": "l̴"}
_MARKS = {"ː": {"long": 1}, "ʼ": {"cg": 1}, "ʷ": {"round": 1, "back": 1, "hi": 1}, "ʰ": {"sg": 1}}
"""What a mark changes where the table does not hold the phone together with it."""


@cache
def _folder() -> Path:
    found = importlib.util.find_spec("panphon")
    if found is None or not found.submodule_search_locations:
        raise MissingPart(
            "The package `panphon`, which knows the features of phones, is not installed",
            "Install it with: python -m pip install panphon",
        )
    return Path(found.submodule_search_locations[0]) / "data"


@cache
def _lines() -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the names of the features, and the line of each phone, not yet taken apart."""
    lines = (_folder() / "ipa_all.csv").read_text(encoding="utf-8").splitlines()
    table = {}
    for line in lines[1:]:
        phone, values = line.split(",", 1)
        table[unicodedata.normalize("NFD", phone)] = values
    return tuple(lines[0].split(",")[1:]), table


def names() -> tuple[str, ...]:
    """Return the names of the 24 features.

    Raises:
        MissingPart: The package `panphon` is not installed.
    """
    return _lines()[0]


@cache
def _weights() -> NDArray[np.float64]:
    """Return PanPhon's weights in the order of `names`; the two tones have none."""
    with (_folder() / "feature_weights.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    return np.array([float(row.get(name) or 0) for name in names()])


@lru_cache(maxsize=4096)
def _vector(segment: str) -> Vector | None:
    names_, table = _lines()
    values = table.get(segment)
    if values is None:
        return None
    found = np.array([_VALUES[value] for value in values.split(",")], dtype=np.int8)
    assert len(found) == len(names_)
    found.setflags(write=False)
    return found


@lru_cache(maxsize=4096)
def vectors(phone: str) -> tuple[Vector, ...]:
    """Return the features of the segments of a phone: one, two for a diphthong, none if unknown.

    Each is an array of 1, 0 and -1 in the order of `names`. Characters that PanPhon does not know
    are passed over, as it does.

    Raises:
        MissingPart: The package `panphon` is not installed.
    """
    rest = "".join(_SPELLED.get(char, char) for char in unicodedata.normalize("NFC", phone))
    rest = unicodedata.normalize("NFD", rest)
    if tied := _TIED.match(rest):
        rest = f"{rest[: tied.end()]}\u0361{rest[tied.end() :]}"
    found: list[Vector] = []
    while rest:
        length = next((n for n in range(min(len(rest), 8), 0, -1) if rest[:n] in _lines()[1]), 0)
        vector = _vector(rest[:length]) if length else None
        if vector is not None:
            found.append(vector)
        elif found and rest[0] in _MARKS:
            found[-1] = _marked(found[-1], rest[0])
        rest = rest[max(1, length) :]
    return tuple(found)


def _marked(vector: Vector, mark: str) -> Vector:
    changed = vector.copy()
    for name, value in _MARKS[mark].items():
        changed[names().index(name)] = value
    changed.setflags(write=False)
    return changed


def _difference(left: Vector, right: Vector) -> float:
    apart = np.abs(left.astype(np.int16) - right) / 2
    weights = _weights()
    return float((apart * weights).sum() / weights.sum())


def _hamming(left: Vector, right: Vector) -> float:
    return float((left != right).mean())


@lru_cache(maxsize=65_536)
def distance(left: str, right: str) -> float:
    """Return how far two phones are apart, from 0 (the same) to 1.

    For two segments it is the sum over the features of ``weight * |left - right| / 2`` divided by
    the sum of the weights: PanPhon's weighted substitution cost, brought to 0..1. For phones of
    several segments it is the edit distance of the segments with that cost (1 for one too many)
    divided by the number of segments of the longer one. An unknown phone is 1 from all others.
    """
    if left == right:
        return 0.0
    first, second = vectors(left), vectors(right)
    if not first or not second:
        return 1.0
    if len(first) == len(second) == 1:
        return _difference(first[0], second[0])
    return _edit_distance(first, second, weighted=True) / max(len(first), len(second))


def _edit_distance(left: Sequence[Vector], right: Sequence[Vector], weighted: bool) -> float:
    cost = _difference if weighted else _hamming
    row = [float(j) for j in range(len(right) + 1)]
    for i, one in enumerate(left, 1):
        diagonal, row[0] = row[0], float(i)
        for j, other in enumerate(right, 1):
            change = diagonal + cost(one, other)
            diagonal = row[j]
            row[j] = min(change, diagonal + 1, row[j - 1] + 1)
    return row[-1]


def feature_errors(wanted: Sequence[str], heard: Sequence[str]) -> tuple[float, int]:
    """Return the feature edit distance of two sequences of phones, and the segments wanted.

    Their quotient is the phone feature error rate (PFER). A segment too many or missing costs 1,
    another one costs the share of the 24 features that differ (each 1/24): this is PanPhon's
    `hamming_feature_edit_distance`, which Taguchi et al. 2023 ("Universal Automatic Phonetic
    Transcription", Interspeech) and the evaluation of POWSM call PFER. A diphthong counts as two
    segments, as PanPhon counts it. A phone that PanPhon does not know is a segment that differs
    from every other in all features, so that none is passed over.
    """
    left = [segment for phone in wanted for segment in _keys(phone)]
    right = [segment for phone in heard for segment in _keys(phone)]
    if not left or not right:
        return float(max(len(left), len(right))), len(left)
    kinds = {key: at for at, key in enumerate(dict.fromkeys([*left, *right]))}
    costs = np.array([[_key_cost(a, b) for b in kinds] for a in kinds])
    columns = np.array([kinds[key] for key in right])
    steps = np.arange(len(right) + 1, dtype=np.float64)
    row = steps.copy()
    for i, key in enumerate(left, 1):
        best = np.minimum(row[:-1] + costs[kinds[key], columns], row[1:] + 1)
        # The cheapest way from the left is a running minimum once each step costs the same.
        row = np.minimum.accumulate(np.concatenate([[float(i)], best]) - steps) + steps
    return float(row[-1]), len(left)


_Key = bytes | str
"""A segment as a dictionary key: its features, or an unknown phone as it is written."""


@lru_cache(maxsize=4096)
def _keys(phone: str) -> tuple[_Key, ...]:
    return tuple(vector.tobytes() for vector in vectors(phone)) or (phone,)


def _key_cost(left: _Key, right: _Key) -> float:
    if left == right:
        return 0.0
    if isinstance(left, str) or isinstance(right, str):
        return 1.0
    return _hamming(np.frombuffer(left, np.int8), np.frombuffer(right, np.int8))
