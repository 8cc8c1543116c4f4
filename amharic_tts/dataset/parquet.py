"""Datasets in Parquet, as the Hugging Face hub stores them: the sound lies inside the tables."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from amharic_tts.dataset.archives import stored_name
from amharic_tts.dataset.layouts import PARTS
from amharic_tts.dataset.root import MEDIA
from amharic_tts.dataset.tables import roles_of
from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors

_AT_ONCE = 16
"""Rows read at once; each may hold minutes of sound."""
_PART = re.compile(r"^([a-z]+)(?=[-_.\d])")


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file as a `pyarrow.parquet.ParquetFile`.

    Raises:
        UserError: No such file, or it is damaged, also while it is read.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            yield file
    except FileNotFoundError:
        raise UserError(f"There is no file `{path}`") from None
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(
            f"`{path}` can't be read as Parquet: {str(error)[:200]}", "Download it again"
        ) from error


def holds_sound(path: Path) -> bool:
    """Tell whether a Parquet file holds sound; others may be tables of file names.

    Raises:
        UserError: See `open_parquet`.
    """
    with open_parquet(path) as file:
        return bool(_sound_columns(file.schema_arrow))


def _sound_columns(schema: Any) -> list[str]:
    return [field.name for field in schema if _is_sound(field.type)]


def _is_sound(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def unpack(files: Sequence[Path], target: Path) -> Iterator[tuple[int, int]]:
    """Write the sound and the texts of Parquet files as an audiofolder; yield rows done of all.

    Args:
        files: Of one dataset; `train-00000-of-00002.parquet` belongs to the part `train`.
        target: An empty folder; gets one folder for each part.

    Raises:
        UserError: A file is damaged, or has no column of sound.
    """
    total = 0
    for path in files:
        with open_parquet(path) as file:
            total += file.metadata.num_rows
    done = 0
    taken: set[str] = set()
    for path in files:
        match = _PART.match(path.name.lower())
        part = match[1] if match and match[1] in PARTS else "train"
        folder = target / part
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / "metadata.jsonl", "a", encoding="utf-8") as table:
                for record in _records(path, folder, part, taken):
                    table.write(json.dumps(record, ensure_ascii=False) + "\n")
                    done += 1
                    yield done, total


def _records(path: Path, folder: Path, part: str, taken: set[str]) -> Iterator[dict[str, str]]:
    with open_parquet(path) as file:
        schema = file.schema_arrow
        sounds = _sound_columns(schema)
        if not sounds:
            raise UserError(
                f"`{path}` has no column of sound; it has {', '.join(schema.names)}",
                "It should have a column `audio` with `bytes` and `path`",
            )
        # The same words as in the header of any table; the sound stands for `file_name`.
        named = [name for name in schema.names if name not in sounds]
        roles = roles_of(["file_name", *named])[1:] if named else []
        kept = [name for name, role in zip(named, roles, strict=False) if role]
        if not kept:
            raise UserError(f"`{path}` has no column of texts; it has {', '.join(schema.names)}")
        number = 0
        for batch in file.iter_batches(batch_size=_AT_ONCE, columns=[sounds[0], *kept]):
            for row in batch.to_pylist():
                number += 1
                name = _write(row[sounds[0]], folder, part, f"{path.stem}-{number:06d}", taken)
                texts = {key: "" if row[key] is None else str(row[key]) for key in kept}
                yield {"file_name": name, **texts}


def _write(value: Any, folder: Path, part: str, fallback: str, taken: set[str]) -> str:
    """Write one row's sound and return its name; without bytes, the name that it has elsewhere."""
    inside = value if isinstance(value, dict) else {"bytes": value}
    sound, named = inside.get("bytes"), str(inside.get("path") or "")
    if not sound:
        return named
    pure = PurePosixPath(named.replace("\\", "/").rpartition("/")[2] or fallback)
    suffix = pure.suffix if pure.suffix.lower() in MEDIA else ".wav"  # known by content anyway
    stem = pure.stem if pure.suffix == suffix else pure.name
    name, n = stored_name(stem + suffix), 1
    while f"{part}/{name}".casefold() in taken:
        n += 1
        name = stored_name(f"{stem}-{n}{suffix}")
    taken.add(f"{part}/{name}".casefold())
    (folder / name).write_bytes(sound)
    return name
