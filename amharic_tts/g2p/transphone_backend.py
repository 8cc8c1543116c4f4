"""The backend `transphone`: a neural model for many languages, in the studio's notation.

Optional: `transphone` (MIT), `phonepiece` (CC BY-SA 3.0 by its licence file) and `unidecode`
(GPL-2.0-or-later, which transphone imports).
It can't write long consonants: equal neighbours become one and ``ː`` is taken off. It writes at
most five phones more than it reads symbols (letters, or their Latin spelling where it does not know
a letter), so that a long word may be cut; the checks of `quality` find half a word.

What it does by itself is kept from it: downloads, the inventory of English in the place of a
missing one, files beside its model, the random state of torch, writing to stdout.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from amharic_tts.errors import MissingPart, StudioError
from amharic_tts.g2p import transphone_files
from amharic_tts.g2p.base import Availability, studio_notation
from amharic_tts.g2p.transphone_files import LANGUAGE, MODEL, Files
from amharic_tts.g2p.words import WordCache, by_word
from amharic_tts.text.ethiopic import GEMINATION, GEMINATION_AND_VOWEL_LENGTH, is_letter

_PACKAGES = ("transphone", "phonepiece", "unidecode")
_INSTALL = "Install it with `python smart_install.py --with transphone`"
_SIZES = ("num_encoder", "num_decoder", "embed_size", "hidden_size", "num_head")


class TransphoneBackend:
    """transphone with its model `042801_base` and phonepiece's sounds of Amharic."""

    name = "transphone"
    writes_long = False
    writes_stress = False

    def __init__(self) -> None:
        """Load nothing; the package and torch are imported at the first conversion."""
        self._lock = threading.Lock()
        self._words = WordCache(lambda text: by_word(text, self._word))

    @property
    def version(self) -> str:
        """The package's version and the model."""
        try:
            return f"transphone-{importlib.metadata.version('transphone')}/{MODEL}"
        except importlib.metadata.PackageNotFoundError:
            return f"transphone/{MODEL}"

    def availability(self) -> Availability:
        """Return what is missing: the packages, else files of the model; nothing is loaded."""
        for package in _PACKAGES:
            if importlib.util.find_spec(package) is None:
                reason = f"the optional package `{package}` is not installed"
                return Availability(False, reason, _INSTALL)
        found = transphone_files.find()
        if isinstance(found, str):
            return Availability(False, found, transphone_files.HINT)
        return Availability(True)

    def convert(self, text: str) -> str:
        """Return the IPA of a text; marks of length stay, for another backend to be asked.

        Raises:
            MissingPart: The packages or the files are not here.
            StudioError: The files are damaged, or the model can't do a word (which one).
        """
        state = self.availability()
        if not state.ok:
            raise MissingPart(f"Backend `transphone`: {state.reason}", state.hint)
        return self._words.convert(text)

    def _word(self, word: str) -> str:
        letters = "".join(filter(is_letter, word))
        marks = [c for c in word if c in (GEMINATION, GEMINATION_AND_VOWEL_LENGTH)]
        if not letters:
            return "".join(marks)
        found = transphone_files.find()
        if isinstance(found, str):
            raise MissingPart(f"Backend `transphone`: {found}", transphone_files.HINT)
        with self._lock:
            phones = _loaded(found).phones(letters)
        return studio_notation("".join(phones)) + "".join(marks)


@dataclass(frozen=True)
class _Loaded:
    """The model in memory. (transphone keeps one for each process.)"""

    g2p: Any
    inventory: Any
    lexicon: Mapping[str, Sequence[str]]

    def phones(self, word: str) -> Sequence[str]:
        """Return the phones of one word, as transphone's own tokenizer does but for its cache."""
        if word in self.lexicon:
            return self.lexicon[word]
        try:
            found: list[str] = self.inventory.remap(self.g2p.inference_batch(word, LANGUAGE))
        except (LookupError, ValueError, AssertionError, RuntimeError) as error:
            # Its last layer has one phone more than its vocabulary: an IndexError, for one.
            kind = type(error).__name__
            raise StudioError(f"transphone can't do `{word}` ({kind}: {error})") from error
        if not found:
            raise StudioError(f"transphone writes nothing for `{word}`")
        return found


@cache
def _loaded(files: Files) -> _Loaded:
    _check_weights(files.checkpoint)
    config = _architecture(files.config)
    try:
        import torch
        from phonepiece.inventory import read_inventory
        from phonepiece.lexicon import read_lexicon
        from transphone.config import TransphoneConfig
        from transphone.g2p import G2P
    except ImportError as error:  # both import `pip`, which an environment of uv may lack
        raise MissingPart(f"transphone can't be imported: {error}", _INSTALL) from error
    TransphoneConfig.device = "cpu"  # where its own `read_g2p(device=)` writes it
    try:
        # It sets the seed of the whole process, and tells of languages on stdout.
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(sys.stderr):
            g2p = G2P(files.checkpoint, None, config)
            inventory = read_inventory(str(files.inventory))
            lexicon = {}
            if (files.inventory / "lexicon.txt").is_file():
                lexicon = read_lexicon(LANGUAGE, str(files.inventory.parent))
    except (LookupError, ValueError, AssertionError, RuntimeError, OSError) as error:
        shown = str(error).partition("\n")[0]
        raise StudioError(
            f"transphone can't load `{files.checkpoint.parent}`: {type(error).__name__}: {shown}",
            "Put both archives there again: amharic-tts g2p-transphone",
        ) from error
    if Path(g2p.checkpoint) != files.checkpoint:
        raise StudioError(
            f"transphone holds `{g2p.checkpoint}` already, and only one model for each process",
            "Start the program again",
        )
    g2p.lang2inv[LANGUAGE] = inventory  # else it looks in its own folder, and downloads
    return _Loaded(g2p, inventory, lexicon)


def _check_weights(checkpoint: Path) -> None:
    """Refuse a checkpoint that holds anything but tensors; transphone loads it only after this."""
    import pickle

    try:
        import torch
    except ImportError as error:
        raise MissingPart(f"torch can't be imported: {error}", _INSTALL) from error
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        plain = isinstance(state, dict) and all(map(torch.is_tensor, state.values()))
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise StudioError(
            f"`{checkpoint}` is damaged, or holds more than weights: it is not opened",
            transphone_files.HINT,
        ) from error
    if not plain:
        raise StudioError(f"`{checkpoint}` does not hold weights alone", transphone_files.HINT)


def _architecture(path: Path) -> Any:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return SimpleNamespace(**{name: int(found[name]) for name in _SIZES})
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise StudioError(f"`{path}` is no architecture of transphone: {error}") from error
