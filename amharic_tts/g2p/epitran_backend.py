"""The backend `epitran`: the maps of the epitran package (MIT), in the studio's notation.

Of its three Amharic maps, `amh-Ethi-pp` is the best on human-made lists (docs/results), so it is
the one used. Known faults of it, left as they are: no long consonants, every final cluster broken,
ə after the laryngeals, several labialised letters missing (those stay Ethiopic in its output).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from functools import cache, lru_cache
from typing import Any

from amharic_tts.errors import MissingPart, StudioError
from amharic_tts.g2p.base import Availability, studio_notation
from amharic_tts.g2p.words import by_word

MAP = "amh-Ethi-pp"
_HINT = "Install it with `python smart_install.py`, or `pip install epitran`"


class EpitranBackend:
    """Epitran with its map `amh-Ethi-pp`; the package is imported at the first conversion."""

    name = "epitran"
    writes_long = False
    writes_stress = False

    @property
    def version(self) -> str:
        """The package's version and the map."""
        try:
            return f"epitran-{importlib.metadata.version('epitran')}/{MAP}"
        except importlib.metadata.PackageNotFoundError:
            return f"epitran/{MAP}"

    def availability(self) -> Availability:
        """Return whether the package is installed."""
        if importlib.util.find_spec("epitran") is None:
            return Availability(False, "the package `epitran` is not installed", _HINT)
        return Availability(True)

    def convert(self, text: str) -> str:
        """Return the IPA of a text; letters that epitran does not know stay Ethiopic.

        Raises:
            MissingPart: Epitran is not installed.
            StudioError: Epitran is damaged.
        """
        return by_word(text, _convert_word)


@cache
def _epitran() -> Any:
    try:
        import epitran
        from epitran.exceptions import DatafileError, MappingError
    except ImportError as error:
        raise MissingPart(f"Epitran can't be imported: {error}", _HINT) from error
    try:
        return epitran.Epitran(MAP)
    except (DatafileError, MappingError, OSError, LookupError, ValueError) as error:
        raise StudioError(f"Epitran can't load its map `{MAP}`: {error}", _HINT) from error


@lru_cache(maxsize=65_536)
def _convert_word(word: str) -> str:
    return studio_notation(_epitran().transliterate(word))
