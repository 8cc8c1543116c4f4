"""Several backends side by side on the same lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from amharic_tts.errors import StudioError
from amharic_tts.g2p import quality, registry
from amharic_tts.g2p.base import Availability, Backend, phones
from amharic_tts.g2p.lexicon import Lexicon, Piece
from amharic_tts.g2p.quality import Quality
from amharic_tts.text.normalize import Normalized, normalize
from amharic_tts.text.trace import Change


@dataclass(frozen=True)
class Side:
    """What one backend made of one line."""

    backend: str
    version: str
    ipa: str
    words: tuple[tuple[str, ...], ...]
    """The phones of each word."""
    problems: tuple[str, ...]
    """Why there is no output, or what is wrong with it."""
    quality: Quality | None = None
    """The numbers of the output; None where there is none."""
    kept: tuple[Change, ...] = ()
    """Latin words of the text, with their place: they are kept as they are written."""
    own: tuple[bool, ...] = ()
    """For each word, whether the user's lexicon gave it and not the backend."""

    @property
    def unpronounced(self) -> tuple[str, ...]:
        """Characters that have no sound in Amharic and stand in `ipa` as they were written."""
        return self.quality.unpronounced if self.quality else ()


@dataclass(frozen=True)
class Comparison:
    """One line, what the normaliser changed in it, and every backend's output."""

    text: str
    normalized: str
    changes: tuple[Change, ...]
    sides: tuple[Side, ...]

    @property
    def kept(self) -> tuple[Change, ...]:
        """Latin words of the text, with their place: every backend passes them on."""
        return next((side.kept for side in self.sides), ())

    @property
    def unpronounced(self) -> tuple[str, ...]:
        """Characters without a sound in Amharic, each once; they stand in every output."""
        return next((side.unpronounced for side in self.sides if side.quality), ())

    @property
    def agree(self) -> bool:
        """Whether all backends that wrote something wrote the same."""
        return len({side.ipa for side in self.sides if side.ipa}) < 2


def compare(
    lines: Iterable[str],
    backends: Sequence[str] | None = None,
    lexicon: Lexicon | None = None,
) -> Iterator[Comparison]:
    """Yield a comparison for each line, without fallback: a backend that can't says why.

    Args:
        lines: Amharic texts.
        backends: Names; None takes every backend there is.
        lexicon: The user's own words; they go before every backend.

    Raises:
        UserError: A backend is not known.
    """
    chosen = registry.backends() if backends is None else [registry.get(n) for n in backends]
    here = [(backend, backend.version, backend.availability()) for backend in chosen]
    for line in lines:
        normalized = normalize(line, "am")
        pieces = (
            lexicon.split(normalized.text) if lexicon else [Piece(normalized.text, None, False)]
        )
        sides = tuple(_side(*one, normalized, pieces) for one in here)
        yield Comparison(line, normalized.text, normalized.changes, sides)


def _side(
    backend: Backend,
    version: str,
    state: Availability,
    text: Normalized,
    pieces: Sequence[Piece],
) -> Side:
    made: list[tuple[str, bool]] = []
    problems: tuple[str, ...] = (state.reason,)
    found: Quality | None = None
    if state.ok:
        try:
            made = _made(pieces, backend)
            found = quality.check(text.text, " ".join(word for word, _ in made))
            problems = found.problems
        except StudioError as error:
            problems = (error.message,)
    ipa = " ".join(word for word, _ in made)
    words = tuple(tuple(phones(word)) for word, _ in made)
    own = tuple(mine for _, mine in made)
    return Side(backend.name, version, ipa, words, problems, found, text.kept, own)


def _made(pieces: Sequence[Piece], backend: Backend) -> list[tuple[str, bool]]:
    """Return each word's IPA and whether all of it is the lexicon's."""
    found: list[tuple[str, bool]] = []
    for piece in pieces:
        mine = piece.ipa is not None
        words = (backend.convert(piece.text) if piece.ipa is None else piece.ipa).split()
        if piece.joined and found and words:
            before, also_mine = found.pop()
            words[0] = before + words[0]
            found.append((words.pop(0), mine and also_mine))
        found += [(word, mine) for word in words]
    return found
