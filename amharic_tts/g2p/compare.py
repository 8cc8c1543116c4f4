"""Several backends side by side on the same lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from amharic_tts.errors import StudioError
from amharic_tts.g2p import quality, registry
from amharic_tts.g2p.base import Backend, phones
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
    def agree(self) -> bool:
        """Whether all backends that wrote something wrote the same."""
        return len({side.ipa for side in self.sides if side.ipa}) < 2


def compare(lines: Iterable[str], backends: Sequence[str] | None = None) -> Iterator[Comparison]:
    """Yield a comparison for each line, without fallback: a backend that can't says why.

    Args:
        lines: Amharic texts.
        backends: Names; None takes every backend there is.

    Raises:
        UserError: A backend is not known.
    """
    chosen = registry.backends() if backends is None else [registry.get(n) for n in backends]
    for line in lines:
        normalized = normalize(line, "am")
        sides = tuple(_side(backend, normalized) for backend in chosen)
        yield Comparison(line, normalized.text, normalized.changes, sides)


def _side(backend: Backend, text: Normalized) -> Side:
    state = backend.availability()
    ipa = ""
    problems: tuple[str, ...] = (state.reason,)
    found: Quality | None = None
    if state.ok:
        try:
            ipa = backend.convert(text.text)
            found = quality.check(text.text, ipa)
            problems = found.problems
        except StudioError as error:
            problems = (error.message,)
    words = tuple(tuple(phones(word)) for word in ipa.split())
    return Side(backend.name, backend.version, ipa, words, problems, found, text.kept)
