"""Amharic G2P beside epitran (its map amh-Ethi-pp), measured in the same run.

    python -m benchmarks.g2p [--quick] [--json] [--data DIR]

Accuracy: PER and WER of the studio's default backend on the development halves of two lists made by
people, which are no part of the project (default: ../shared/data/amharic; null where they are not
there). Throughput: the two take turns on the same words; medians of the rounds, and the ratio is
the median of the ratios of the rounds, since a shared machine is never equally fast twice. CPU
seconds of the process stand beside wall seconds. The peer gets the text as it is; so does ours,
but for the row that says otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from amharic_tts.g2p import EnhancedAmharicG2P, registry
from amharic_tts.g2p.evaluate import Score, output, score
from amharic_tts.g2p.gold import GoldFile
from amharic_tts.g2p.letters import letter_table
from amharic_tts.g2p.symbols import LABELS, View

DATA = Path(__file__).parents[2] / "shared" / "data" / "amharic"
PEER_MAP = "amh-Ethi-pp"
Row = dict[str, Any]
Convert = Callable[[str], str]

LISTS = {"WikiPron": "wikipron_dev.tsv", "GFF": "gff_dev.tsv"}
MARKED = "GFF, spelt with U+135F"
AIMS = {
    ("WikiPron", View.STRICT): (5.5, 24.0),
    ("WikiPron", View.LENGTH): (1.5, 7.0),
    ("GFF", View.STRICT): (8.0, 50.0),
    ("GFF", View.LENGTH): (0.6, 4.0),
    (MARKED, View.STRICT): (0.3, 2.0),
}
"""PER and WER in percent that the project aims for."""
RATIO_AIM = 300.0
"""Words a second over those of the peer."""

PREFIXES = ("", "የ", "በ", "ለ", "ከ", "ስለ", "እንደ", "ወደ")
SUFFIXES = ("", "ን", "ም", "ና", "ስ")
LINE = 12
"""Words in a line of running text."""


@dataclass(frozen=True)
class Pace:
    """Words a second of one side in one round."""

    wall: float
    cpu: float


def peer() -> Convert:
    """Return the peer as its users call it: no cache, no notation of ours."""
    import epitran

    convert: Convert = epitran.Epitran(PEER_MAP).transliterate
    return convert


def row(measure: str, unit: str, peers: float | None, ours: float | None, **more: Any) -> Row:
    """Return one row; the ratio, unless it is given, is how many times better ours is.

    For an error rate in percent, where less is better, that is the peer's over ours; without any
    error of ours it has no value.
    """
    ratio = None
    if peers and ours:
        ratio = peers / ours if unit == "%" else ours / peers
    shown = {"ratio": ratio, "goal": None, **more}
    digits = 0 if unit.startswith("words") else 3
    values = {"peer": _rounded(peers, digits), "ours": _rounded(ours, digits)}
    ratio = shown["ratio"]
    # A third of the peer's errors is 3, and so is three times its pace.
    shown["ratio"] = _rounded(ratio, 2 if ratio is None or ratio >= 1 else 3)
    return {"measure": measure, "unit": unit, **values, **shown}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def accuracy(data: Path, convert: Convert, beside: Convert) -> Iterator[Row]:
    """Yield PER and WER of every list and view; null where the list is not there."""
    for name, file in LISTS.items():
        gold = GoldFile.read(data / file) if (data / file).is_file() else None
        ours = _score(gold, lambda word: output(convert, word))
        theirs = _score(gold, beside)
        for view in View:
            yield from _rates(name, view, ours, theirs)
        if name == "GFF":
            marked = gold and marked_spelling(gold)
            # The peer does not know the mark of length, so that there is nothing to compare.
            ours = _score(marked, lambda word: output(convert, word))
            yield from _rates(MARKED, View.STRICT, ours, None)


def marked_spelling(gold: GoldFile) -> GoldFile:
    """Return a list with the spelling of its third column, which has the marks of length."""
    lines = tuple(replace(line, word=line.extra[0]) for line in gold.lines if line.extra)
    return GoldFile(gold.name, lines)


def _score(gold: GoldFile | None, convert: Convert) -> Score | None:
    if gold is None:
        return None
    words = gold.words
    return score(words, {word: convert(word) for word in words})


def _rates(name: str, view: View, ours: Score | None, theirs: Score | None) -> Iterator[Row]:
    goals = AIMS.get((name, view), (None, None))
    for rate, goal in zip(("per", "wer"), goals, strict=True):
        values = (_percent(theirs, view, rate), _percent(ours, view, rate))
        yield row(f"{name}, {LABELS[view]}, {rate.upper()}", "%", *values, goal=goal)


def _percent(found: Score | None, view: View, rate: str) -> float | None:
    return None if found is None else 100 * float(getattr(found.rates[view], rate))


def vocabulary(data: Path, seed: int = 0) -> list[str]:
    """Return different Amharic word forms in a fixed, mixed order.

    The words of the lists with prefixes and suffixes; without the lists, runs of letters.
    """
    draw = random.Random(seed)
    found = [data / file for file in LISTS.values() if (data / file).is_file()]
    words = [word for file in found for word in GoldFile.read(file).words]
    if not words:
        letters = sorted(letter for letter in letter_table() if "ሀ" <= letter <= "ፚ")
        words = ["".join(draw.choices(letters, k=draw.randint(2, 5))) for _ in range(3000)]
    parts = product(PREFIXES, words, SUFFIXES)
    forms = sorted({before + word + after for before, word, after in parts})
    draw.shuffle(forms)
    return forms


def running_text(words: Sequence[str], count: int, seed: int, line: int = LINE) -> list[str]:
    """Return lines of `line` words; the word of rank r occurs as often as 1/r (Zipf)."""
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    drawn = random.Random(seed).choices(words, weights, k=count)
    return [" ".join(drawn[at : at + line]) for at in range(0, count, line)]


def pace(convert: Convert, texts: Sequence[str], words: int) -> Pace:
    """Return words a second of one pass."""
    wall, cpu = time.perf_counter(), time.process_time()
    for text in texts:
        convert(text)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Pace(words / max(wall, 1e-9), words / max(cpu, 1e-9))


def take_turns(
    texts: Sequence[Sequence[str]], words: int, ours: Convert, beside: Convert
) -> list[tuple[Pace, Pace]]:
    """Return (peer, ours) of each round; the first round loads and warms, and is not counted."""
    found = [(pace(beside, texts_, words), pace(ours, texts_, words)) for texts_ in texts]
    return found[1:]


def throughput_rows(measure: str, rounds: Sequence[tuple[Pace, Pace]]) -> Iterator[Row]:
    """Yield words a second by wall and by CPU seconds, and their ratio against its goal."""
    ratios = {}
    for clock in ("wall", "cpu"):
        theirs = [getattr(beside, clock) for beside, _ in rounds]
        ours = [getattr(mine, clock) for _, mine in rounds]
        ratios[clock] = statistics.median(b / a for a, b in zip(theirs, ours, strict=True))
        medians = (statistics.median(theirs), statistics.median(ours))
        yield row(f"{measure}, by {clock}", "words/s", *medians, ratio=ratios[clock])
    yield row(f"{measure}, ratio", "times the peer (CPU)", 1, ratios["cpu"], goal=RATIO_AIM)


def throughput(data: Path, rounds: int, count: int, beside: Convert) -> Iterator[Row]:
    """Yield the rows of pace: words that are all new, and running text.

    Args:
        data: The folder of the lists.
        rounds: Counted rounds; one more warms up.
        count: Words in a round.
    """
    forms = vocabulary(data)
    count = min(count, len(forms) // (2 * rounds + 2))
    plain = registry.get(registry.DEFAULT).convert
    fresh = [forms[at * count : (at + 1) * count] for at in range(rounds + 1)]
    yield from throughput_rows("new words", take_turns(fresh, count, plain, beside))

    def by_word(line: str) -> str:
        # Whole lines are much slower for the peer: it gets them the way that suits it best.
        return " ".join(map(beside, line.split()))

    # Each measure has words of its own, so that none finds those of another in a cache.
    rest = forms[(rounds + 1) * count :]
    whole: Convert = EnhancedAmharicG2P().convert
    checked = "ours with clean-up and checks"
    for name, words, ours, line, repeated in (
        ("running text", rest[::3], plain, LINE, "the same text again, no word new"),
        (f"running text, {checked}", rest[1::3], whole, LINE, ""),
        (f"single words, {checked}", rest[2::3], whole, 1, f"the same words again, {checked}"),
    ):
        text = [running_text(words, count, seed, line) for seed in range(rounds + 1)]
        yield from throughput_rows(name, take_turns(text, count, ours, by_word))
        if repeated:
            yield from throughput_rows(repeated, take_turns(text, count, ours, by_word))


def rows(data: Path, rounds: int, count: int) -> list[Row]:
    """Return all rows, see `accuracy` and `throughput`."""
    beside = peer()
    ours = registry.get(registry.DEFAULT).convert
    paced = list(throughput(data, rounds, count, beside))  # first, while no word is in a cache
    return [*accuracy(data, ours, beside), *paced]


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Measure Amharic G2P beside epitran.")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1,000 words, not 9")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the word lists")
    options = parser.parse_args()
    found = rows(options.data, *((3, 1_000) if options.quick else (9, 8_000)))
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    names = ("peer", "ours", "ratio", "goal")
    print(f"{'':55}{'unit':22}" + "".join(f"{name:>12}" for name in names))
    for entry in found:
        cells = ("-" if entry[name] is None else f"{entry[name]:g}" for name in names)
        numbers = "".join(f"{cell:>12}" for cell in cells)
        print(f"{entry['measure']:55}{entry['unit']:22}{numbers}")


if __name__ == "__main__":
    main()
