"""What is asked of a voice: text, reference clips, and how the codes are drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from amharic_tts.errors import UserError

Precision = Literal["auto", "fp32", "bf16", "int8"]
PRECISIONS: tuple[str, ...] = get_args(Precision)
MAX_CHARACTERS = 10_000
"""Longest text of one request; a longer one is a book (`jobs.book`)."""
MAX_TAKES = 8
SLOWEST, FASTEST = 0.5, 2.0


@dataclass(frozen=True)
class Sampling:
    """How audio codes are drawn; `None` is what the voice's own configuration says."""

    temperature: float | None = None
    """Divides the logits; 0 takes the likeliest code always."""
    top_k: int | None = None
    """Draw among so many likeliest codes; 0: among all."""
    top_p: float | None = None
    """Draw among the likeliest codes that hold this share of the probability."""
    repetition_penalty: float | None = None
    """Divides the logits of codes that were said (Keskar et al. 2019, "CTRL"); 1: off."""
    speed: float = 1.0
    """1.25 speaks a quarter faster: the latents are stretched in time, as in coqui's library."""

    def check(self) -> Sampling:
        """Return itself.

        Raises:
            UserError: A value is outside of its range; names it.
        """
        ranges: dict[str, tuple[float, float]] = {
            "temperature": (0.0, 2.0),
            "top_k": (0, 10_000),
            "top_p": (0.01, 1.0),
            "repetition_penalty": (1.0, 20.0),
            "speed": (SLOWEST, FASTEST),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is None and name != "speed":
                continue
            if not isinstance(value, (int, float)) or not math.isfinite(value):
                raise UserError(f"{name}: `{value}` is not a number")
            if not low <= value <= high:
                raise UserError(f"{name}: {value} is outside of {low:g} to {high:g}")
        return self


PRESETS: dict[str, Sampling] = {
    "own": Sampling(),
    "steady": Sampling(temperature=0.4, top_k=20, top_p=0.8),
    "lively": Sampling(temperature=0.85, top_k=50, top_p=0.95),
    "likeliest": Sampling(temperature=0.0, repetition_penalty=2.0),
}
"""By name; `own` is the voice's configuration."""


def sampling(preset: str = "own", **changed: float | None) -> Sampling:
    """Return a preset with some values changed.

    Raises:
        UserError: There is no such preset, or a value is outside of its range.
    """
    if preset not in PRESETS:
        raise UserError(f"There is no preset `{preset}`", f"There are: {', '.join(PRESETS)}")
    given = {name: value for name, value in changed.items() if value is not None}
    return replace(PRESETS[preset], **given).check()  # type: ignore[arg-type]


@dataclass(frozen=True)
class SpeechRequest:
    """One text to be spoken."""

    voice: str
    """Run id, folder of a voice, or `practice`."""
    text: str
    language: str | None = None
    """The voice's own by default."""
    references: tuple[Path, ...] = ()
    """Recordings whose voice is imitated; the voice's own clip by default."""
    seed: int | None = None
    """Random by default; the result says which. A sentence is drawn with seed + its number."""
    sampling: Sampling = field(default_factory=Sampling)
    phonemes: bool = False
    """The text is phones in the studio's notation, words apart by ``|``."""
    check: bool = False
    """Compare each sentence with what the phoneme recogniser hears."""
    takes: int = 1
    """Say a sentence that fails its check up to so many times; the best is kept."""
    only: int | None = None
    """Speak this sentence of the text alone, by its number; drawn with just this seed."""
    precision: Precision = "auto"
    stream: bool = False
    """Yield `events.Chunk` while it is made."""
    out: Path | None = None
    """Where the WAV goes; a new file in ``speech/`` of the workspace by default."""

    def checked(self) -> SpeechRequest:
        """Return itself.

        Raises:
            UserError: A part can't be; names it.
        """
        if not self.text.strip():
            raise UserError("There is nothing to say in this text", "Type some words")
        if len(self.text) > MAX_CHARACTERS:
            raise UserError(
                f"The text has {len(self.text)} characters; a request takes {MAX_CHARACTERS} "
                "at most",
                "Speak it in parts, or as a book: amharic-tts book",
            )
        for clip in self.references:
            if not clip.is_file():
                raise UserError(
                    f"There is no reference clip `{clip}`", "Choose a recording of some seconds"
                )
        if not 1 <= self.takes <= MAX_TAKES:
            raise UserError(f"takes: {self.takes} is outside of 1 to {MAX_TAKES}")
        if self.precision not in PRECISIONS:
            raise UserError(
                f"precision: there is no `{self.precision}`", f"There are: {', '.join(PRECISIONS)}"
            )
        self.sampling.check()
        return self

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        body = asdict(self)
        body["references"] = [str(clip.absolute()) for clip in self.references]
        body["out"] = None if self.out is None else str(self.out.absolute())
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> SpeechRequest:
        """Return the request that `to_json` wrote; names that it does not know are passed over."""
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in body.items() if key in known}
        values["references"] = tuple(Path(clip) for clip in values.get("references", ()))
        values["sampling"] = Sampling(**values.get("sampling", {}))
        values["out"] = Path(values["out"]) if values.get("out") else None
        return cls(**values)
