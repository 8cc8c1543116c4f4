"""The phonemes of a dataset's texts, by the backend and the lexicon that it was begun with."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.dataset.rules import Note, note
from amharic_tts.dataset.workers import Engine, mapped
from amharic_tts.errors import MissingPart, UserError
from amharic_tts.files import write_text
from amharic_tts.g2p import EnhancedAmharicG2P, registry
from amharic_tts.g2p.lexicon import Lexicon, read_lines

LEXICON = "lexicon.tsv"
"""The lexicon's copy in the dataset's folder, so that later builds read as the first one did."""
LANGUAGE = "am"


def chosen(language: str, g2p: str, lexicon: Path | None) -> tuple[str, str]:
    """Return the backend's name and the lexicon's version for a new dataset.

    Raises:
        UserError: No such backend, a lexicon that can't be used, or a language without G2P.
        MissingPart: The backend does not work here.
    """
    if language != LANGUAGE:
        if g2p or lexicon:
            raise UserError(
                f"`--g2p` and `--lexicon` are about Amharic, and the dataset is in `{language}`"
            )
        return "", ""
    version = Lexicon.load(lexicon).version if lexicon else ""
    return _working(g2p or registry.DEFAULT), version


def _working(g2p: str) -> str:
    backend = registry.get(g2p)
    state = backend.availability()
    if not state.ok:
        message = f"The backend `{backend.name}` does not work here: {state.reason}"
        raise MissingPart(message, state.hint)
    return backend.name


def check_same(dataset: Dataset, g2p: str, lexicon: Path | None) -> None:
    """Refuse to add to a dataset with another backend or lexicon than it was begun with.

    Raises:
        UserError: They differ.
    """
    name, version = chosen(dataset.language, g2p, lexicon)
    begun = dataset.g2p or registry.DEFAULT
    hint = "Leave it out, or choose another name for the new dataset"
    if g2p and name != begun:
        raise UserError(f"The phonemes of `{dataset.name}` are by `{begun}`, not by `{name}`", hint)
    if lexicon and version != dataset.lexicon:
        raise UserError(
            f"`{dataset.name}` was begun with {dataset.lexicon or 'no lexicon'}, "
            f"and `{lexicon}` is {version}",
            hint,
        )


def keep_lexicon(dataset: Dataset, lexicon: Path) -> None:
    """Copy the lexicon of a new dataset into its folder."""
    write_text(dataset.folder / LEXICON, "\n".join(read_lines(lexicon)))


Reading = tuple[str, str, list[Note]]
"""IPA, the backend with its version that made it, and notes."""


def read_text(dataset: Dataset, normalized: str) -> Reading:
    """Return `Pronouncer.read` of a text; may run on a worker, which keeps the last pronouncer."""
    return _pronouncer(dataset).read(normalized)


@functools.lru_cache(maxsize=1)
def _pronouncer(dataset: Dataset) -> Pronouncer:
    return Pronouncer(dataset)


class Pronouncer:
    """Writes the phonemes of one dataset, and notes on what did not go as chosen."""

    def __init__(self, dataset: Dataset) -> None:
        """Load the dataset's backend and lexicon.

        Raises:
            MissingPart: The backend does not work here.
            UserError: The lexicon in the folder is not the one that the dataset was begun with.
        """
        self._g2p: EnhancedAmharicG2P | None = None
        self._dataset = dataclasses.replace(dataset, utterances=())
        self._learned: dict[str, Reading] = {}
        self._name = dataset.g2p or registry.DEFAULT
        if dataset.language != LANGUAGE:
            return
        _working(self._name)
        lexicon = None
        if dataset.lexicon:
            lexicon = Lexicon.load(dataset.folder / LEXICON)
            if lexicon.version != dataset.lexicon:
                raise UserError(
                    f"`{dataset.folder / LEXICON}` was changed: it is {lexicon.version}, and the "
                    f"dataset was begun with {dataset.lexicon}",
                    "Put the file back as it was, or choose another name for a new dataset",
                )
        self._g2p = EnhancedAmharicG2P(self._name, lexicon=lexicon)

    def learn(self, texts: Sequence[str], engine: Engine) -> None:
        """Have workers read texts, so that `read` has them already; it gives the same.

        Args:
            texts: In normalised form.
            engine: Where they are read.
        """
        if self._g2p is not None:
            work = functools.partial(read_text, self._dataset)
            self._learned.update(zip(texts, mapped(work, texts, engine, chunk=100), strict=True))

    def read(self, normalized: str) -> Reading:
        """Return the IPA of a text, who made it, and notes; the backends know only Amharic.

        Training in phoneme mode makes its own, by the backend of the run; these are to be read.
        """
        if self._g2p is None or not normalized:
            return "", "", []
        if normalized in self._learned:
            ipa, made_by, odd = self._learned[normalized]
            return ipa, made_by, list(odd)
        result = self._g2p.convert_detailed(normalized)
        notes = []
        if result.backend != self._name and result.passed_over:
            why = "; ".join(f"{name}: {reason}" for name, reason in result.passed_over)
            message = f"phonemes by `{result.backend}`, not by `{self._name}` ({why})"
            notes.append(note("g2p_fallback", message))
        if result.problems:
            message = f"phonemes by `{result.backend}`: {'; '.join(result.problems)}"
            notes.append(note("g2p_quality", message))
        if result.unpronounced:
            shown = " ".join(result.unpronounced)
            notes.append(note("g2p_unpronounced", f"no sound in Amharic, kept as written: {shown}"))
        return result.ipa, f"{result.made_by} {result.version}", notes
