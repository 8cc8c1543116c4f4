"""Which files of a folder are tables of texts: known layouts of datasets, and single tables.

LJSpeech and coqui (a table beside `wavs/`, or a train and eval pair), Common Voice (`clips/` and a
TSV for each part), Hugging Face's audiofolder (`metadata.*` in the folder, or in one a part).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset.root import TABLES, Root
from amharic_tts.dataset.wording import listed
from amharic_tts.errors import UserError
from amharic_tts.events import Finding

_PAIR = ("metadata_train.csv", "metadata_eval.csv")
_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_TABLE_NAMES = frozenset(
    f"{stem}{suffix}" for stem in ("metadata", "transcript", "transcripts") for suffix in TABLES
) | frozenset(_METADATA)
PARTS = {
    "train": "train",
    "training": "train",
    "dev": "eval",
    "valid": "eval",
    "validation": "eval",
    "eval": "eval",
    "test": "eval",
}
"""What other layouts call the parts of a dataset -> ours; whatever is not trained on is eval."""
_COMMON_VOICE = ("train.tsv", "dev.tsv", "test.tsv")
_NOT_TEXTS = ("clip_durations.tsv", "reported.tsv")
"""Tables of Common Voice beside those of the clips."""


@dataclass(frozen=True)
class TableFile:
    """A table, the part that its rows belong to, and the folder that its names begin in."""

    path: Path
    split: str = ""
    base: str = ""
    """Relative to the root, with `/` at its end; empty for the root itself."""


@dataclass(frozen=True)
class Layout:
    """The tables of a root, what the layout is called, and what is told about it."""

    tables: list[TableFile]
    name: str = ""
    findings: tuple[Finding, ...] = ()


def layout(root: Root) -> Layout:
    """Return the tables of a root; none where it has none.

    Raises:
        UserError: It is not clear which of several tables is meant.
    """
    if root.folder is None:
        return _single([p for p in root.top().values() if p.suffix.lower() in TABLES])
    return _common_voice(root) or _parted(root) or _in_folder(root)


def _single(candidates: list[Path]) -> Layout:
    pair = [p for name in _PAIR for p in candidates if p.name.lower() == name]
    if len(pair) == 2 and len(candidates) == 2:
        return Layout([TableFile(pair[0], "train"), TableFile(pair[1], "eval")], "coqui")
    if len(candidates) > 1:
        raise UserError(
            f"There are several transcript tables: {listed([str(p) for p in candidates])}",
            "Choose one with --transcript FILE",
        )
    return Layout([TableFile(path) for path in candidates])


def _in_folder(root: Root) -> Layout:
    top = root.top()
    names = {n: p for n, p in top.items() if n.lower() in {*_TABLE_NAMES, *_PAIR}}
    names |= {n: p for n, p in top.items() if n.lower().endswith(".tsv")}
    found = _single(list(names.values()))
    ljspeech = [t.path.name.lower() for t in found.tables] == ["metadata.csv"]
    if ljspeech and any(name.startswith("wavs/") for name in root.files):
        return Layout(found.tables, "LJSpeech")
    return found


def _common_voice(root: Root) -> Layout | None:
    top = {name.lower(): path for name, path in root.top().items()}
    if not any(name.startswith("clips/") for name in root.files):
        return None
    tables = [name for name in top if name.endswith(".tsv") and name not in _NOT_TEXTS]
    parts = [name for name in _COMMON_VOICE if name in top]
    if not parts:
        parts = ["validated.tsv"] if "validated.tsv" in top else []
    if not parts:
        return None
    used = [TableFile(top[n], PARTS.get(n.removesuffix(".tsv"), ""), "clips/") for n in parts]
    # `validated` holds the rows of the three parts and more; the rest was not validated.
    rest = sorted(name for name in tables if name not in parts)
    findings = []
    if rest:
        message = (
            f"{listed(parts)} are used, and not {listed(rest)}; "
            "to use another, name it with --transcript FILE"
        )
        findings.append(Finding("tables_left_out", message, "info"))
    return Layout(used, "Common Voice", tuple(findings))


def _parted(root: Root) -> Layout | None:
    """Return the tables of an audiofolder that has a folder for each part."""
    found = sorted(_parts(root), key=lambda table: (table.split != "train", table.base))
    if not found:
        return None
    bases = [table.base for table in found]
    twice = next((base for base in bases if bases.count(base) > 1), None)
    if twice:
        both = listed([str(table.path) for table in found if table.base == twice])
        raise UserError(f"There are several transcript tables: {both}", "Keep one of them")
    return Layout(found, "audiofolder")


def _parts(root: Root) -> Iterator[TableFile]:
    for name, path in root.files.items():
        folder, _, file = name.rpartition("/")
        part = folder.rpartition("/")[2].lower()
        if file.lower() in _METADATA and part in PARTS and folder.count("/") <= 1:
            yield TableFile(path, PARTS[part], f"{folder}/")
