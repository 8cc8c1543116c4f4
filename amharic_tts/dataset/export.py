"""Files for coqui-style tools: `metadata_train.csv`, `metadata_eval.csv` and `lang.txt`."""

from __future__ import annotations

import csv
import io

from amharic_tts.dataset.manifest import Dataset
from amharic_tts.files import write_text

COLUMNS = ("audio_file", "text", "speaker_name")


def coqui_table(dataset: Dataset, split: str) -> str:
    """Return the accepted clips of a split as ``audio_file|text|speaker_name``.

    The text is the normalised one: coqui's own cleaners know no Amharic. Quoted where a cell needs
    it, as Python's `csv.DictReader`, which those tools use, expects.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter="|", lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in dataset.accepted(split):
        writer.writerow((row.audio, row.normalized, row.speaker))
    return out.getvalue()


def write_exports(dataset: Dataset) -> None:
    """Write the three files into the dataset's folder, each in one step.

    Raises:
        UserError: The disk is full or can't be written.
    """
    for split in ("train", "eval"):
        write_text(dataset.folder / f"metadata_{split}.csv", coqui_table(dataset, split))
    write_text(dataset.folder / "lang.txt", f"{dataset.language}\n")
