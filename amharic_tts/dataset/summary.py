"""A dataset in numbers: what `dataset show` prints and a build ends with."""

from __future__ import annotations

from collections import Counter
from typing import Any

from amharic_tts.dataset import split
from amharic_tts.dataset.manifest import Dataset


def summary(dataset: Dataset) -> dict[str, Any]:
    """Return the numbers of a dataset as plain data.

    ``seconds``, ``speakers``, ``train`` and ``eval`` count accepted clips only; ``findings`` counts
    the rows that carry a code, ``reasons`` those that were refused for it.
    """
    accepted = dataset.accepted()
    refused = [row for row in dataset.utterances if not row.accepted]
    return {
        "dataset": dataset.name,
        "folder": str(dataset.folder),
        "language": dataset.language,
        "rows": len(dataset.utterances),
        "accepted": len(accepted),
        "rejected": len(refused),
        "seconds": round(sum(row.duration for row in accepted), 2),
        "train": sum(row.split == "train" for row in accepted),
        "eval": sum(row.split == "eval" for row in accepted),
        "sources": len({split.recording(row) for row in dataset.utterances}),
        "speakers": dict(Counter(row.speaker for row in accepted).most_common()),
        "reasons": _codes(refused, "error"),
        "findings": _codes(dataset.utterances, ""),
        "notes": [
            {"code": f.code, "level": f.level, "message": f.message}
            for f in split.findings(dataset.utterances)
        ],
    }


def _codes(rows: Any, level: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({n["code"] for n in row.findings if not level or n["level"] == level})
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
