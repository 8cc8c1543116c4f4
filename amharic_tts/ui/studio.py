"""What every page is built with: the settings, the workspace and the words."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.dataset.archives import stored_name
from amharic_tts.errors import UserError
from amharic_tts.files import disk_errors
from amharic_tts.jobs import process, store
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.settings import Settings
from amharic_tts.ui.words import Words
from amharic_tts.workspace import Workspace


@dataclass(frozen=True)
class Studio:
    """One studio on the screen, in one language."""

    settings: Settings
    workspace: Workspace
    words: Words

    @property
    def local(self) -> bool:
        """Tell whether only this machine can reach the page; then it may name folders of it."""
        return self.settings.local

    def require_local(self) -> None:
        """Check that a typed path may be used.

        Raises:
            UserError: The page is open to the network.
        """
        if not self.local:
            raise UserError(
                "Folders of this machine can be named only where the studio is not open to others",
                "Upload the files instead, or use the command line",
            )

    def start_task(
        self, page: str, title: str, arguments: Sequence[str] | Callable[[Path], Sequence[str]]
    ) -> store.Job:
        """Start a command of `amharic-tts` as a task job and return it at once.

        Args:
            page: The page that shows it, to find it again after a reload.
            title: What it does, in words.
            arguments: The command with its options, as a person would type it; or what returns
                it for the folder of the job, where its results go into that folder.

        Raises:
            UserError: The workspace can't be written.
        """
        job_id = store.new_id(page)
        folder = store.folder_of(self.workspace, "task", job_id)
        typed = arguments(folder) if callable(arguments) else arguments
        command = ["-m", "amharic_tts", "--workspace", str(self.workspace.root), *typed]
        spec = JobSpec(
            job_id, "task", title, [*command, "--job", str(folder)], details={"page": page}
        )
        job = store.create(self.workspace, spec)
        process.start(self.workspace, job.folder)
        return job

    def task_of(self, page: str) -> store.Job | None:
        """Return the task that a page should show after a reload: running, or gone wrong last."""
        newest = self.newest_task(page)
        return newest if newest and newest.state() != "done" else None

    def newest_task(self, page: str) -> store.Job | None:
        """Return the task that a page started last, whatever became of it."""
        mine = (j for j in store.jobs(self.workspace, "task") if j.spec.details.get("page") == page)
        return next(mine, None)

    def keep_uploads(self, files: Sequence[str]) -> list[Path]:
        """Copy uploaded files out of the page's cache, so that the command can be run again.

        Raises:
            UserError: Two files have the same name, or the disk is full.
        """
        folder = self.workspace.uploads / store.new_id("upload")
        kept: list[Path] = []
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for file in map(Path, files):
                target = folder / stored_name(file.name.lstrip("."))
                if target.exists():
                    raise UserError(f"Two of the files are called `{file.name}`", "Rename one")
                shutil.copyfile(file, target)
                kept.append(target)
        return kept
