"""`EnhancedAmharicG2P`: an order of backends, with a fallback that always says so."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import overload

from amharic_tts.errors import StudioError, UserError
from amharic_tts.g2p import lexicon as lexicons
from amharic_tts.g2p import quality, registry
from amharic_tts.g2p.base import Backend, phones
from amharic_tts.g2p.words import Memory
from amharic_tts.text.normalize import normalize
from amharic_tts.text.trace import Change

log = logging.getLogger(__name__)


class G2PBackend(str, Enum):
    """Names of the backends, as configurations write them."""

    TRANSPHONE = "transphone"
    EPITRAN = "epitran"
    EPITRAN_PLAIN = "epitran_plain"
    EPITRAN_RED = "epitran_red"
    ESPEAK = "espeak"
    RULE_BASED = "rule_based"

    def __str__(self) -> str:
        return self.value


DOCUMENTED_ORDER = (G2PBackend.TRANSPHONE, G2PBackend.EPITRAN, G2PBackend.RULE_BASED)
ORDERS: dict[str, tuple[G2PBackend, ...]] = {"documented": DOCUMENTED_ORDER}
"""Orders that have a name."""


@dataclass(frozen=True)
class G2PResult:
    """Phonemes of one text and where they come from."""

    text: str
    """The text as it was given."""
    normalized: str
    """The text that was read: numbers as words, one spelling of each mark."""
    ipa: str
    backend: str
    version: str
    quality: quality.Quality
    """What the check of `ipa` found, with its numbers."""
    passed_over: tuple[tuple[str, str], ...] = ()
    """(backend, why not), in the order in which they were asked."""
    kept: tuple[Change, ...] = ()
    """Latin words of the text, with their place: they are kept as they are written."""
    from_lexicon: tuple[str, ...] = ()
    """The words whose phonemes the user's lexicon gave; `backend` made the others."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with `ipa` where no backend did better."""
        return self.quality.problems

    @property
    def unpronounced(self) -> tuple[str, ...]:
        """Characters that have no sound in Amharic and stand in `ipa` as they were written."""
        return self.quality.unpronounced

    @property
    def made_by(self) -> str:
        """Who made it, in one word: ``lexicon+rule_based`` where both did."""
        if self.from_lexicon and self.backend != lexicons.NAME:
            return f"{lexicons.NAME}+{self.backend}"
        return self.backend


class EnhancedAmharicG2P:
    """Amharic text to IPA by the first backend of an order that works and whose output is sound.

    Example:
        >>> EnhancedAmharicG2P().convert("ሰላም")
        'səlam'
    """

    def __init__(
        self,
        backend: str | G2PBackend | None = None,
        backend_order: Sequence[str | G2PBackend] | str | None = None,
        lexicon: lexicons.Lexicon | Path | str | None = None,
        limits: quality.Thresholds = quality.DEFAULT,
    ) -> None:
        """Choose the order.

        Args:
            backend: The first backend; those after it in `DOCUMENTED_ORDER` are the fallback.
                None takes `registry.DEFAULT`, the one that measures best.
            backend_order: The whole order instead: names, or a name of `ORDERS`, or names with
                commas.
            lexicon: The user's own words, or the file of them; they go before every backend.
            limits: What an output must keep to; beyond it, the next backend is asked.

        Raises:
            UserError: A backend is not known, the order is empty, both arguments are given, or
                the lexicon has lines that can't be used.
        """
        if backend_order is not None and backend is not None:
            raise UserError("Give `backend` or `backend_order`, not both")
        names = _order(backend) if backend_order is None else order_of(backend_order)
        self._backends: list[Backend] = [registry.get(name) for name in names]
        self._told: set[tuple[str, str]] = set()
        if isinstance(lexicon, (str, Path)):
            lexicon = lexicons.Lexicon.load(Path(lexicon))
        self._lexicon = lexicon
        self._limits = limits
        self._known = Memory()

    @property
    def order(self) -> list[str]:
        """The names of the backends, in the order in which they are asked."""
        return [backend.name for backend in self._backends]

    @overload
    def convert(self, text: str) -> str: ...
    @overload
    def convert(self, text: list[str]) -> list[str]: ...
    def convert(self, text: str | list[str]) -> str | list[str]:
        """Return the IPA of a text, or of each text of a list.

        A fallback is logged as a warning, each reason once; `convert_detailed` returns it.

        Raises:
            StudioError: No backend of the order works here.
        """
        if isinstance(text, str):
            return self._converted(text)
        return [self._converted(item) for item in text]

    def _converted(self, text: str) -> str:
        ipa = self._known.held(text)
        if ipa is None:
            result = self.convert_detailed(text)
            self._tell(result)
            ipa = result.ipa
            if not result.passed_over:  # the backend that was passed over may answer next time
                self._known.hold(text, ipa)
        return ipa

    @overload
    def phonemes(self, text: str) -> list[list[str]]: ...
    @overload
    def phonemes(self, text: list[str]) -> list[list[list[str]]]: ...
    def phonemes(self, text: str | list[str]) -> list[list[str]] | list[list[list[str]]]:
        """Return the phones of each word of a text, or of each text of a list.

        Joined, the phones of a word are the word in `convert`, what can't be pronounced included.

        Example:
            >>> EnhancedAmharicG2P().phonemes("ሰላም ቤት")
            [['s', 'ə', 'l', 'a', 'm'], ['b', 'e', 't']]

        Raises:
            StudioError: No backend of the order works here.
        """
        if isinstance(text, str):
            return [phones(word) for word in self.convert(text).split()]
        return [[phones(word) for word in ipa.split()] for ipa in self.convert(text)]

    def convert_detailed(self, text: str) -> G2PResult:
        """Return the IPA of a text with the backend that made it and why others did not.

        Raises:
            StudioError: No backend of the order works here.
        """
        read = normalize(text, "am")
        pieces = self._lexicon.split(read.text) if self._lexicon else []
        known = tuple(piece.text for piece in pieces if piece.ipa is not None)
        if self._lexicon and known and len(known) == len(pieces):
            ipa = lexicons.join(pieces, str)
            made = (text, read.text, ipa, lexicons.NAME, self._lexicon.version)
            found = quality.check(read.text, ipa)
            return G2PResult(*made, found, kept=read.kept, from_lexicon=known)
        passed_over: list[tuple[str, str]] = []
        faulty: list[G2PResult] = []
        for backend in self._backends:
            state = backend.availability()
            if not state.ok:
                passed_over.append((backend.name, state.reason))
                continue
            try:
                convert = backend.convert
                ipa = lexicons.join(pieces, convert) if known else convert(read.text)
            except StudioError as error:
                passed_over.append((backend.name, error.message))
                continue
            found = quality.check(read.text, ipa, self._limits)
            version = backend.version
            if self._lexicon and known:
                version += f"+{self._lexicon.version}"
            made = (text, read.text, ipa, backend.name, version)
            result = G2PResult(*made, found, tuple(passed_over), read.kept, known)
            if found.ok:
                return result
            faulty.append(result)
            passed_over.append((backend.name, "; ".join(found.problems)))
        if not faulty:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in passed_over)
            raise StudioError(f"No G2P backend could convert the text ({reasons})")
        # Nobody did better than the first; its faults are said, nothing is dropped.
        first = faulty[0]
        others = tuple(other for other in passed_over if other[0] != first.backend)
        return replace(first, passed_over=others)

    def _tell(self, result: G2PResult) -> None:
        for name, reason in result.passed_over:
            if (name, reason) not in self._told:
                self._told.add((name, reason))
                log.warning("G2P by `%s`, not `%s`: %s", result.backend, name, reason)
        for problem in result.problems:
            if (result.backend, problem) not in self._told:
                self._told.add((result.backend, problem))
                log.warning("G2P by `%s`: %s", result.backend, problem)


def order_of(wanted: Sequence[str | G2PBackend] | str) -> list[str]:
    """Return the names of an order, each backend once.

    Args:
        wanted: Names of backends, or one string: a name of `ORDERS`, or names with commas.

    Raises:
        UserError: A backend is not known, or there is none.
    """
    if isinstance(wanted, str):
        wanted = ORDERS.get(wanted.strip().lower()) or [n for n in wanted.split(",") if n.strip()]
    names = [registry.get(str(name)).name for name in wanted]
    if not names:
        raise UserError(
            "The order of G2P backends is empty", "Give names with commas, or `documented`"
        )
    return list(dict.fromkeys(names))


def _order(backend: str | G2PBackend | None) -> list[str]:
    name = registry.get(registry.DEFAULT if backend is None else str(backend)).name
    documented = [item.value for item in DOCUMENTED_ORDER]
    return documented[documented.index(name) :] if name in documented else [name, *documented[-1:]]
