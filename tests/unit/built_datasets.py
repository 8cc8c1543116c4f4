"""Datasets built in tests, with an encoder that needs no vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from made_media import Letters

from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.dataset.prepare import BuildRequest, build
from amharic_tts.events import Event
from amharic_tts.workspace import Workspace


def run(workspace: Workspace, *sources: Path, name: str = "d", **more: object) -> list[Event]:
    request = BuildRequest(tuple(sources), name, **more)  # type: ignore[arg-type]
    return list(build(workspace, request, Letters()))


def load(workspace: Workspace, name: str = "d") -> Dataset:
    return Dataset.load(workspace.dataset(name))


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def reasons(rows: Iterable[Utterance]) -> list[tuple[str, str, list[str]]]:
    return [(r.id, r.decision, [n["code"] for n in r.findings]) for r in rows]
