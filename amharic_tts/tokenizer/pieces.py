"""BPE pieces of a language, learned from the texts of a dataset and appended after the base's own.

Only Ethiopic letters are ever joined. So a merge can't fire in a text of another script, and every
text without Ethiopic letters becomes the tokens that it became before.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from amharic_tts.errors import UserError
from amharic_tts.text import ethiopic
from amharic_tts.tokenizer import vocabulary
from amharic_tts.tokenizer.encoder import TextEncoder
from amharic_tts.tokenizer.practice import practice_vocabulary
from amharic_tts.tokenizer.settings import TextSettings
from amharic_tts.tokenizer.vocabulary import Extension, Vocabulary

SEEN_OFTEN = 20
"""A row of the embedding that fewer places of the texts train is learned from chance."""
MOST_ADVISED = 1000
"""Most pieces that are advised: a thousand more shorten texts by 8 % only (docs/decisions.md)."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Pieces:
    """What was learned from texts.

    Attributes:
        merges: Pairs to join, in the order in which they are joined.
        tokens: The pieces that the vocabulary lacked, in the order of their ids.
        seen: How often each of them stands in the texts, cut by all merges.
        letters: Ethiopic letters in the texts.
        parts: Tokens that these letters become.
    """

    merges: tuple[Pair, ...]
    tokens: tuple[str, ...]
    seen: tuple[int, ...]
    letters: int
    parts: int

    @property
    def letters_a_token(self) -> float:
        """Average letters of a token in the texts; 1 with characters alone."""
        return self.letters / self.parts if self.parts else 1.0

    @property
    def seen_often(self) -> float:
        """Share of the pieces that stand at least `SEEN_OFTEN` times in the texts."""
        often = sum(count >= SEEN_OFTEN for count in self.seen)
        return often / len(self.seen) if self.seen else 1.0


def extend(
    vocab: Vocabulary, settings: TextSettings, texts: Iterable[str], wanted: int = 0
) -> tuple[Extension, Pieces]:
    """Append the characters of a language, and the pieces that the texts teach.

    Args:
        vocab: The base's vocabulary; it is not changed.
        settings: How texts are read; letter mode.
        texts: As people write them; the texts that are trained on, none of those kept for
            evaluation. The same texts in the same order give the same vocabulary.
        wanted: Number of new pieces; 0 takes the advised number, see `learn`.

    Raises:
        UserError: The text mode or the language has no pieces, or the texts have no Ethiopic word.
    """
    if settings.text_mode != "letters":
        raise UserError("vocabulary: bpe is for letters; a phone is one token already")
    if settings.language not in vocabulary.ETHIOPIC_LANGUAGES:
        known = ", ".join(vocabulary.ETHIOPIC_LANGUAGES)
        raise UserError(
            f"vocabulary: bpe is for languages in Ethiopic script ({known}), "
            f"not `{settings.language}`",
            "Take vocabulary characters",
        )
    characters = vocabulary.extend(vocab, settings.language)
    encoder = TextEncoder(characters.vocab, settings)
    pieces = learn(encoder, (encoder.prepare(text) for text in texts), wanted)
    if not pieces.letters:
        raise UserError(
            "vocabulary: bpe joins Ethiopic letters, and the texts to train on have none",
            "Take vocabulary characters",
        )
    return vocabulary.extend(vocab, settings.language, merges=pieces.merges), pieces


def default_encoder(settings: TextSettings, texts: Iterable[str], wanted: int = 0) -> TextEncoder:
    """Return an encoder with the practice vocabulary and the pieces of these texts, in memory.

    For checks of a dataset before a base is chosen: a base without Ethiopic merges of its own
    takes the same pieces from the same texts.

    Raises:
        UserError: See `extend`.
    """
    return TextEncoder(extend(practice_vocabulary(), settings, texts, wanted)[0].vocab, settings)


def learn(encoder: TextEncoder, prepared: Iterable[str], wanted: int = 0) -> Pieces:
    """Learn pieces: join the pair that is seen most often, again and again.

    The texts are first cut as the encoder cuts them, so that pieces go on where the merges of the
    base end. Of pairs seen equally often, the first in code order is joined.

    Advice: pairs are joined while the most frequent one is seen at least `SEEN_OFTEN` times, up to
    `MOST_ADVISED` pieces. The number so follows from how much text there is.

    Args:
        encoder: Knows every character of the language.
        prepared: Texts as `TextEncoder.prepare` returns them.
        wanted: Number of new pieces; fewer come where no pair is seen twice. 0: the advised number.
    """
    known = [char for char in (*ethiopic.letters(), *ethiopic.MARKS) if char in encoder.ids]
    word_of = re.compile(f"[{''.join(known)}]+" if known else "(?!)")
    counts = Counter(word for text in prepared for word in word_of.findall(text))
    words = sorted(counts)
    joining = _Joining([encoder.cut(word) for word in words], [counts[word] for word in words])
    least, most = (2, wanted) if wanted else (SEEN_OFTEN, MOST_ADVISED)
    merges: list[Pair] = []
    tokens: list[str] = []
    while len(tokens) < most:
        pair = joining.most_frequent(least)
        if pair is None:
            break
        merges.append(pair)
        joined = pair[0] + pair[1]
        if joined not in encoder.ids and joined not in tokens:
            tokens.append(joined)
        joining.join(pair)
    seen = joining.seen()
    letters = sum(len(word) * count for word, count in counts.items())
    parts = sum(seen.values())
    return Pieces(
        tuple(merges), tuple(tokens), tuple(seen[token] for token in tokens), letters, parts
    )


class _Joining:
    """Words cut into symbols, and how often each pair of neighbours is seen."""

    def __init__(self, words: Sequence[list[str]], counts: Sequence[int]) -> None:
        self._words, self._counts = list(words), counts
        self._pairs: Counter[Pair] = Counter()
        self._places: defaultdict[Pair, set[int]] = defaultdict(set)
        for place in range(len(words)):
            self._count(place, 1)
        self._heap = [(-count, pair) for pair, count in self._pairs.items()]
        heapq.heapify(self._heap)

    def most_frequent(self, least: int) -> Pair | None:
        """Return the pair seen most often, or None if none is seen `least` times."""
        while self._heap:
            count, pair = self._heap[0]
            if -count == self._pairs[pair]:
                return pair if -count >= least else None
            heapq.heappop(self._heap)  # its count has changed since; the new one is in the heap
        return None

    def join(self, pair: Pair) -> None:
        """Join a pair wherever it is seen, from left to right in each word."""
        changed: set[Pair] = set()
        for place in self._places.pop(pair):
            changed |= self._count(place, -1)
            self._words[place] = _joined(self._words[place], pair)
            changed |= self._count(place, 1)
        for each in changed:
            if self._pairs[each] > 0:
                heapq.heappush(self._heap, (-self._pairs[each], each))

    def seen(self) -> Counter[str]:
        """Return how often each symbol stands in the texts."""
        found: Counter[str] = Counter()
        for symbols, count in zip(self._words, self._counts, strict=True):
            for symbol in symbols:
                found[symbol] += count
        return found

    def _count(self, place: int, sign: int) -> set[Pair]:
        symbols = self._words[place]
        pairs = list(itertools.pairwise(symbols))
        for pair in pairs:
            self._pairs[pair] += sign * self._counts[place]
            if sign > 0:
                self._places[pair].add(place)
        return set(pairs)


def _joined(symbols: list[str], pair: Pair) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(symbols):
        if tuple(symbols[at : at + 2]) == pair:
            found.append(pair[0] + pair[1])
            at += 2
        else:
            found.append(symbols[at])
            at += 1
    return found
