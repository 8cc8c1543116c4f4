"""Reading of the project's own data files: tab-separated lines, `#` starts a comment line."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources


def rows(package: str, name: str) -> Iterator[list[str]]:
    """Yield the columns of each line of `data/<name>` in a package of this project."""
    text = resources.files(package).joinpath("data").joinpath(name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.split("\t")
