"""Where everything lives: one folder that holds datasets, runs, bases, caches and the trash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.files import check_name, disk_errors, to_trash


@dataclass(frozen=True)
class Workspace:
    """The user's folder. Every path in it is made from a checked name, never from a typed path."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Return the workspace at `root`, made on first use.

        Raises:
            UserError: The place is a file, or can't be written.
        """
        root = Path(root).expanduser().absolute()
        try:
            if root.exists() and not root.is_dir():
                raise UserError(
                    f"`{root}` is a file, not a folder", "Choose another --workspace DIR"
                )
            with disk_errors(root):
                root.mkdir(parents=True, exist_ok=True)
                probe = root / ".write-test"
                probe.write_bytes(b"")
                probe.unlink(missing_ok=True)
        except OSError as error:  # a parent that is a file, a name that is too long, /proc
            raise UserError(
                f"`{root}` can't be made: {error.strerror}", "Choose another --workspace DIR"
            ) from error
        return cls(root)

    @property
    def datasets(self) -> Path:
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def tasks(self) -> Path:
        """Jobs that are not training runs: dataset builds, downloads, conversions."""
        return self.root / "tasks"

    @property
    def voices(self) -> Path:
        """Voices that were brought in from elsewhere; those of runs lie in the runs."""
        return self.root / "voices"

    @property
    def bases(self) -> Path:
        return self.root / "bases"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def speech(self) -> Path:
        """What the Speak page made."""
        return self.root / "speech"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def recordings(self) -> Path:
        """Sessions of reading prompts into the microphone."""
        return self.root / "recordings"

    @property
    def downloads(self) -> Path:
        """Recordings that were brought in from an address."""
        return self.root / "downloads"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    @property
    def trash(self) -> Path:
        return self.root / "trash"

    def dataset(self, name: str) -> Path:
        """Return the folder of a dataset, there or not.

        Raises:
            UserError: `name` can't name a folder.
        """
        return self.datasets / check_name(name, "dataset")

    def run(self, run_id: str) -> Path:
        """Return the folder of a run, there or not.

        Raises:
            UserError: `run_id` can't name a folder.
        """
        return self.runs / check_name(run_id, "run")

    def voice(self, name: str) -> Path:
        """Return the folder of a voice that was brought in, there or not.

        Raises:
            UserError: `name` can't name a folder.
        """
        return self.voices / check_name(name, "voice")

    def discard(self, path: Path) -> Path:
        """Move something of the workspace to its trash.

        Raises:
            UserError: `path` is not inside the workspace.
        """
        if self.root.resolve() not in path.resolve().parents:
            raise UserError(f"`{path}` is not inside the workspace `{self.root}`")
        return to_trash(path, self.trash)
