"""Base models: which there are, where they lie, whether they are whole."""

from __future__ import annotations

from pathlib import Path

from amharic_tts.base_models.catalog import (
    CATALOG,
    PRACTICE,
    XTTS_V2,
    check_base,
)
from amharic_tts.base_models.practice import is_whole
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace


def base_folder(workspace: Workspace, base: str) -> Path:
    """Return where a base lies, there or not.

    Args:
        workspace: Holds the practice base and the downloaded one.
        base: `practice`, `xtts-v2` or the path of a folder.

    Raises:
        UserError: `base` is neither a name of the catalog nor a folder.
    """
    if base in CATALOG:
        return workspace.bases / base
    folder = Path(base).expanduser()
    if not base or not folder.is_dir():
        raise UserError(
            f"There is no base model `{base}`",
            f"Choose one of {', '.join(CATALOG)}, or give a folder that holds the files of an XTTS",
        )
    return folder.absolute()


def is_ready(workspace: Workspace, base: str) -> bool:
    """Tell whether a training can start from a base at once."""
    folder = base_folder(workspace, base)
    return is_whole(folder) if base == PRACTICE else not check_base(folder)


def resolve(workspace: Workspace, base: str) -> Path:
    """Return the folder of a base that a training can be started from.

    The practice base may not be unpacked yet: the process that needs it unpacks it first
    (`practice.build`), since that takes torch.

    Raises:
        UserError: There is none of this name, or files are missing, empty or wrong.
    """
    folder = base_folder(workspace, base)
    if base == PRACTICE:
        return folder
    if base == XTTS_V2 and not folder.is_dir():
        raise UserError(
            "The base model `xtts-v2` is not downloaded yet",
            "Download it (2.1 GB): amharic-tts base download --accept-license",
        )
    problems = check_base(folder)
    if problems:
        mend = (
            "Go on with the download: amharic-tts base download --accept-license"
            if base == XTTS_V2
            else "Put the missing files there; training needs all of them from one release"
        )
        raise UserError(
            f"The base model in `{folder}` can't be used:\n"
            + "\n".join(f"- {problem}" for problem in problems),
            mend,
        )
    return folder
