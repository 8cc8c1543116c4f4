"""The backend `transphone`: named and explained, but not run by this version of the studio."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from amharic_tts.errors import MissingPart
from amharic_tts.g2p.base import Availability


class TransphoneBackend:
    """Neural G2P; needs a package and a model of 60 MB that it downloads itself."""

    name = "transphone"
    writes_long = False
    writes_stress = False

    @property
    def version(self) -> str:
        """The package's version."""
        try:
            return f"transphone-{importlib.metadata.version('transphone')}"
        except importlib.metadata.PackageNotFoundError:
            return "transphone"

    def availability(self) -> Availability:
        """Return what is missing: the package, else the part of the studio that runs it."""
        if importlib.util.find_spec("transphone") is None:
            return Availability(
                False,
                "the optional package `transphone` is not installed",
                "Install it with `python smart_install.py --with transphone`",
            )
        return Availability(
            False,
            "`transphone` is installed, but this version of the studio can't run it yet",
            "Take `rule_based`, which measures better on Amharic",
        )

    def convert(self, text: str) -> str:
        """Say why it does not work.

        Raises:
            MissingPart: Always, in this version.
        """
        state = self.availability()
        raise MissingPart(f"Backend `transphone`: {state.reason}", state.hint)
