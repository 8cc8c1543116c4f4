"""How recordings are cut: the settings of all of them, and those of single ones."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amharic_tts.dataset.rules import MAX_SECONDS, MIN_SECONDS
from amharic_tts.dataset.textfile import read_text
from amharic_tts.errors import UserError

MODES = ("speech", "exact")
"""`speech`: cuts lie in pauses; `exact`: subtitles are taken as they are written."""


@dataclass(frozen=True)
class CutSettings:
    """How one recording is cut; times in seconds."""

    mode: str = "speech"
    """One of `MODES`."""
    target: float = 7.0
    """Length that clips should have, where the pauses allow it."""
    longest: float = 11.0
    """No clip is longer."""
    shortest: float = 1.0
    """Shorter pieces are joined with their neighbours, where these are not far."""
    pause: float = 0.2
    """A pause at least so long is a place to cut."""
    apart: float = 1.0
    """Over a longer pause nothing is joined."""
    padding: float = 0.12
    """Silence that is kept before and after the speech, at most half of the pause."""
    threshold: float = 0.5
    """How sure the network must be that it hears speech, 0 to 1."""
    merge: bool = True
    """Join short subtitles of one sentence."""
    max_characters: int = 180
    """Most characters of joined subtitles; XTTS takes 200 tokens."""

    def problems(self) -> list[str]:
        """Return everything that is wrong with the settings, all at once."""
        found = []
        if self.mode not in MODES:
            found.append(f"mode: `{self.mode}` is not one of {', '.join(MODES)}")
        if not MIN_SECONDS <= self.shortest <= self.target <= self.longest <= MAX_SECONDS:
            found.append(
                f"shortest, target, longest: {self.shortest:g}, {self.target:g}, {self.longest:g} "
                f"must rise, from {MIN_SECONDS:g} to {MAX_SECONDS:.1f} seconds"
            )
        if not 0.05 <= self.pause <= self.apart <= 10:
            found.append(
                f"pause, apart: {self.pause:g}, {self.apart:g} must rise, from 0.05 to 10 seconds"
            )
        if not 0 <= self.padding <= 1:
            found.append(f"padding: {self.padding:g} must be between 0 and 1 second")
        if not 0.05 <= self.threshold <= 0.95:
            found.append(f"threshold: {self.threshold:g} must be between 0.05 and 0.95")
        if not 10 <= self.max_characters <= 1000:
            found.append(f"max_characters: {self.max_characters} must be between 10 and 1000")
        return found


@dataclass(frozen=True)
class Cutting:
    """The settings of all recordings of a build, and of those that have their own."""

    default: CutSettings = CutSettings()
    recordings: Mapping[str, CutSettings] = field(default_factory=dict)
    """By the recording's name in its folder."""

    def of(self, source: str) -> CutSettings:
        """Return the settings of a recording."""
        return self.recordings.get(source, self.default)

    def problems(self) -> list[str]:
        """Return everything that is wrong, with the recording that it is wrong for."""
        found = [f"cutting: {problem}" for problem in self.default.problems()]
        for name, settings in self.recordings.items():
            found += [f"cutting of `{name}`: {problem}" for problem in settings.problems()]
        return found

    def to_text(self) -> str:
        """Return the settings as a file that `read_cutting` takes."""
        own = {name: dataclasses.asdict(one) for name, one in self.recordings.items()}
        body = {"default": dataclasses.asdict(self.default), "recordings": own}
        return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def read_cutting(path: Path) -> Cutting:
    """Read settings from JSON: ``{"default": {...}, "recordings": {NAME: {...}}}``.

    What a recording does not name is as in ``default``, and what that does not name as usual.

    Raises:
        UserError: No such file, not JSON, or a setting that is unknown or wrong.
    """
    try:
        body = json.loads(read_text(path))
    except ValueError as error:
        raise UserError(f"`{path}` is not JSON: {error}") from error
    if not isinstance(body, dict) or set(body) - {"default", "recordings"}:
        raise UserError(f"`{path}` should be an object with `default` and `recordings`")
    default = _settings(CutSettings(), body.get("default", {}), path, "default")
    own = body.get("recordings", {})
    if not isinstance(own, dict):
        raise UserError(f"`{path}`: `recordings` should be an object of names")
    cutting = Cutting(default, {name: _settings(default, own[name], path, name) for name in own})
    problems = cutting.problems()
    if problems:
        raise UserError(f"`{path}` can't be used:\n" + "\n".join(f"- {p}" for p in problems))
    return cutting


def _settings(base: CutSettings, values: Any, path: Path, where: str) -> CutSettings:
    kinds = {f.name: type(getattr(base, f.name)) for f in dataclasses.fields(CutSettings)}
    if not isinstance(values, dict):
        raise UserError(f"`{path}`: `{where}` should be an object of settings")
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        raise UserError(
            f"`{path}`: `{where}` has no setting `{unknown[0]}`", f"There are: {', '.join(kinds)}"
        )
    for key, value in values.items():
        number = kinds[key] is float and type(value) in (int, float)
        if type(value) is not kinds[key] and not number:
            told = kinds[key].__name__
            raise UserError(f"`{path}`: `{where}`: `{key}` is `{value}`, not a {told}")
    return dataclasses.replace(base, **values)
