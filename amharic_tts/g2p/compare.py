"""Several backends side by side on the same lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from amharic_tts.errors import StudioError
from amharic_tts.g2p import quality, registry
from amharic_tts.g2p.base import Availability, Backend, phones
from amharic_tts.g2p.lexicon import Lexicon, Piece
from amharic_tts.g2p.words import tokens
from amharic_tts.text.normalize import normalize
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
    own: tuple[bool, ...] = ()
    """For each word, whether the user's lexicon gave it and not the backend."""


@dataclass(frozen=True)
class Comparison:
    """One line, what the normaliser changed in it, and every backend's output."""

    text: str
    normalized: str
    changes: tuple[Change, ...]
    sides: tuple[Side, ...]
    kept: tuple[Change, ...] = ()
    """Words of other scripts that the normaliser left as they are."""
    unpronounced: tuple[str, ...] = ()
    """Characters without a sound in Amharic, each once; they stand in every output."""

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
        sides = tuple(_side(*one, normalized.text, pieces) for one in here)
        silent = dict.fromkeys(t for kind, t in tokens(normalized.text) if kind == "other")
        about = (line, normalized.text, normalized.changes, sides)
        yield Comparison(*about, normalized.kept, tuple(silent))


def _side(
    backend: Backend, version: str, state: Availability, text: str, pieces: Sequence[Piece]
) -> Side:
    made: list[tuple[str, bool]] = []
    problems: tuple[str, ...] = (state.reason,)
    if state.ok:
        try:
            made = _made(pieces, backend)
            problems = quality.check(text, " ".join(word for word, _ in made)).problems
        except StudioError as error:
            problems = (error.message,)
    ipa = " ".join(word for word, _ in made)
    words = tuple(tuple(phones(word)) for word, _ in made)
    own = tuple(mine for _, mine in made)
    return Side(backend.name, version, ipa, words, problems, own)


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
