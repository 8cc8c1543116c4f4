"""Reading of the project's own data files: tab-separated lines, `#` starts a comment line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources

from amharic_tts.errors import StudioError


def rows(package: str, name: str, columns: Sequence[str] = ()) -> Iterator[list[str]]:
    """Yield the columns of each line of `data/<name>` in a package of this project.

    Args:
        package: The package that holds the folder `data`.
        name: The file.
        columns: When given, the file's first line must name exactly these columns (it is not
            yielded), every line must have as many, and no two lines the same first column.

    Raises:
        StudioError: The file does not have those columns; the message names the line.
    """
    text = resources.files(package).joinpath("data").joinpath(name).read_text(encoding="utf-8")
    yield from parse(text, name, columns)


def parse(text: str, name: str, columns: Sequence[str] = ()) -> Iterator[list[str]]:
    """Yield the columns of each line of a table's text; see `rows`."""
    header = bool(columns)
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if header:
            header = False
            if cells != list(columns):
                raise _wrong(name, number, f"the columns must be {_list(columns)}", _list(cells))
            continue
        if columns:
            if len(cells) != len(columns):
                raise _wrong(name, number, f"there must be {len(columns)} columns", f"{len(cells)}")
            if not cells[0].strip():
                raise _wrong(name, number, f"`{columns[0]}` is empty", line)
            if cells[0] in seen:
                raise _wrong(name, number, f"already on line {seen[cells[0]]}", f"`{cells[0]}`")
            seen[cells[0]] = number
        yield cells
    if header:
        raise _wrong(name, 1, f"the columns must be {_list(columns)}", "an empty file")


def _list(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _wrong(name: str, number: int, what: str, found: str) -> StudioError:
    return StudioError(
        f"`{name}`, line {number}: {what}; found {found}",
        "Correct that line of the table; cells are separated by one tab",
    )
