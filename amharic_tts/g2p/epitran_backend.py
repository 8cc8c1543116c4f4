"""The backends `epitran*`: the maps of the epitran package (MIT), in the studio's notation.

Of its three Amharic maps, `amh-Ethi-pp` is the best on human-made lists (docs/results), so it has
the plain name. Known faults of them, left as they are: no long consonants, ɨ in wrong places, ə
after the laryngeals, several labialised letters missing (those stay Ethiopic in the output); and of
`amh-Ethi` and `amh-Ethi-red` also no ʔ, of `-red` a ɨ inside the labialised letters.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from functools import cache, lru_cache, partial
from typing import Any

from amharic_tts.errors import MissingPart, StudioError
from amharic_tts.g2p.base import Availability, studio_notation
from amharic_tts.g2p.words import by_word

MAPS = {"epitran": "amh-Ethi-pp", "epitran_plain": "amh-Ethi", "epitran_red": "amh-Ethi-red"}
"""The map of epitran behind the name of each backend."""
_HINT = "Install it with `python smart_install.py`, or `pip install epitran`"


class EpitranBackend:
    """Epitran with one of its maps; the package is imported at the first conversion."""

    writes_long = False
    writes_stress = False

    def __init__(self, name: str = "epitran") -> None:
        """Take a name of `MAPS`."""
        self.name = name
        self.map = MAPS[name]

    @property
    def version(self) -> str:
        """The package's version and the map."""
        try:
            return f"epitran-{importlib.metadata.version('epitran')}/{self.map}"
        except importlib.metadata.PackageNotFoundError:
            return f"epitran/{self.map}"

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
        return by_word(text, partial(_convert_word, self.map))


@cache
def _epitran(name: str) -> Any:
    try:
        import epitran
        from epitran.exceptions import DatafileError, MappingError
    except ImportError as error:
        raise MissingPart(f"Epitran can't be imported: {error}", _HINT) from error
    try:
        return epitran.Epitran(name)
    except (DatafileError, MappingError, OSError, LookupError, ValueError) as error:
        raise StudioError(f"Epitran can't load its map `{name}`: {error}", _HINT) from error


@lru_cache(maxsize=65_536)
def _convert_word(name: str, word: str) -> str:
    return studio_notation(_epitran(name).transliterate(word))
