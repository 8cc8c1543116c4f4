"""Settings of a run as a YAML file: read strictly, written with what each key means."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from amharic_tts.errors import UserError

_WIDTH = 100


class _StrictLoader(yaml.SafeLoader):
    """YAML's own loader keeps the last of two values of a key, and says nothing."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise UserError(f"{', '.join(twice)}: given twice in one file")
        return dict(super().construct_mapping(node, deep))


def read(path: Path) -> dict[str, Any]:
    """Return the keys and values of a YAML file, as YAML reads them.

    Raises:
        UserError: The file is missing, is not YAML or not of the form ``key: value``, or gives a
            key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        body = yaml.load(text, Loader=_StrictLoader) or {}
    except FileNotFoundError:
        raise UserError(f"There is no settings file `{path}`") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"`{path}` is not a YAML file: {error}") from error
    if not isinstance(body, dict):
        raise UserError(f"`{path}` must hold lines of the form `key: value`")
    return {str(key): value for key, value in body.items()}


def commented(values: Mapping[str, Any]) -> str:
    """Return settings as YAML, above each key a comment that says what it is.

    Args:
        values: Of a `FinetuneConfig`, in its order.
    """
    meanings = documentation()
    parts = []
    for key, value in values.items():
        about = textwrap.wrap(" ".join(meanings[key].split()), _WIDTH - 2)
        line = dumped({key: value}, _WIDTH)
        parts.append("".join(f"# {words}\n" for words in about) + line)
    return "\n".join(parts)


def dumped(values: Mapping[str, Any], width: int = 80) -> str:
    """Return values as YAML that reads back as they are.

    PyYAML writes the line breaks of Unicode (U+0085, U+2028, U+2029) as they are and reads them as
    spaces; with one of those in it, everything beyond ASCII is written as escapes.
    """
    plain = not _BREAKS.search(json.dumps(values, ensure_ascii=False))
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=plain, width=width)


_BREAKS = re.compile("[\x85\u2028\u2029]")


@functools.cache
def documentation() -> Mapping[str, str]:
    """Return what each setting is: the docstrings of the fields of `FinetuneConfig`."""
    source = Path(__file__).with_name("config.py").read_text(encoding="utf-8")
    (body,) = (
        part.body
        for part in ast.parse(source).body
        if isinstance(part, ast.ClassDef) and part.name == "FinetuneConfig"
    )
    found = {}
    for field, text in itertools.pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = str(text.value.value)
    return found
