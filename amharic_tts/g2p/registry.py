"""Every G2P backend, in one tuple."""

from __future__ import annotations

from functools import cache

from amharic_tts.errors import UserError
from amharic_tts.g2p.base import Backend
from amharic_tts.g2p.epitran_backend import MAPS, EpitranBackend
from amharic_tts.g2p.espeak_backend import EspeakBackend
from amharic_tts.g2p.rules import RuleBased
from amharic_tts.g2p.transphone_backend import TransphoneBackend

DEFAULT = "rule_based"
"""The backend that measures best on human-made lists; docs/results has the figures."""


@cache
def _all() -> tuple[Backend, ...]:
    epitrans = map(EpitranBackend, MAPS)
    return (RuleBased(), *epitrans, EspeakBackend(), TransphoneBackend())


@cache
def _aliases() -> dict[str, str]:
    """Return other names of backends: epitran's maps, as epitran itself writes them."""
    found = {}
    for name, of_epitran in MAPS.items():
        found[_plain(of_epitran)] = found[_plain(f"epitran-{of_epitran}")] = name
    return found


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def backends() -> list[Backend]:
    """Return all backends, available here or not."""
    return list(_all())


def get(name: str) -> Backend:
    """Return a backend by its name; case and ``-`` do not matter.

    Epitran's maps are known by their own names too (``amh-Ethi-red``, ``epitran-amh-Ethi-red``).

    Raises:
        UserError: There is none; the hint names those there are.
    """
    wanted = _plain(str(name))
    wanted = _aliases().get(wanted, wanted)
    for backend in _all():
        if backend.name == wanted:
            return backend
    names = ", ".join(f"`{backend.name}`" for backend in _all())
    raise UserError(f"There is no G2P backend `{name}`", f"The backends are {names}")
