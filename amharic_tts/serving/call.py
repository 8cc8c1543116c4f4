"""The body of `POST /v1/audio/speech`: what is taken, and what is refused with which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.serving.errors import ApiError
from amharic_tts.synthesis.request import Sampling

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
STREAM_FORMATS = ("audio", "sse")
GENERIC_MODELS = ("default", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names that clients send for any server; they leave the choice to `voice`."""
LARGEST_SEED = 2**31 - 1
_HUGE = 1e9


@dataclass(frozen=True)
class SpeechCall:
    """One request, checked as far as it can be without looking at the voices."""

    input: str
    """The text."""
    model: str = "default"
    """A voice, or one of `GENERIC_MODELS`."""
    voice: str = "default"
    """A voice, or `default`: that of `model`, else the one that the server was started with."""
    response_format: str = "mp3"
    speed: float = 1.0
    stream_format: str = "audio"
    """`audio`, or `sse`: events with base64 pieces."""
    instructions: str = ""
    """How to speak, in words: no XTTS voice understands it. Taken, ignored, and said so."""
    language: str | None = None
    """Ours: the voice's own by default."""
    seed: int | None = None
    """Ours: random by default; the answer says which in `X-Seed`."""
    stream: bool = True
    """Ours: false gives a whole file whose header knows its length."""

    @property
    def ignored(self) -> tuple[str, ...]:
        """Fields that were sent and change nothing."""
        return ("instructions",) if self.instructions.strip() else ()

    def name(self) -> tuple[str, str]:
        """Return the name of the voice and the field that says it; an empty name is the default.

        Raises:
            ApiError: 400, two different voices are named.
        """
        model = "" if self.model in GENERIC_MODELS else self.model
        voice = "" if self.voice == "default" else self.voice
        if model and voice and model != voice:
            raise ApiError(
                400,
                f"`model` names the voice {model[:100]} and `voice` names {voice[:100]}. Name one "
                f"voice; a `model` that leaves it to `voice` is: {', '.join(GENERIC_MODELS)}",
                "two_voices",
                "voice",
            )
        return (voice, "voice") if voice else (model, "model")


def parse(body: bytes, characters: int) -> SpeechCall:
    """Return the request that a body holds.

    Args:
        body: JSON in UTF-8.
        characters: Longest text.

    Raises:
        ApiError: 400, which names the field.
    """
    try:
        values = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not JSON in UTF-8", "invalid_json") from None
    if not isinstance(values, dict):
        raise ApiError(400, "The body is not a JSON object", "invalid_json")
    unknown = [name for name in values if name not in _FIELDS]
    if unknown:
        raise _wrong(
            unknown[0], f"is unknown here; there are: {', '.join(_FIELDS)}", "unknown_parameter"
        )
    checked = {
        name: check(name, values[name])
        for name, check in _FIELDS.items()
        if values.get(name) is not None
    }
    text = checked.get("input")
    if text is None or not text.strip():
        raise _wrong("input", "is empty: there is nothing to say", "empty_text")
    if len(text) > characters:
        raise _wrong(
            "input",
            f"has {len(text)} characters; this server takes {characters} at most",
            "string_above_max_length",
        )
    call = SpeechCall(**checked)
    if call.stream_format == "sse" and not call.stream:
        raise _wrong("stream", "is false, and `stream_format` asks for events; leave one out")
    return call


def _wrong(name: str, message: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, f"`{name[:100]}` {message}", code, name[:100])


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "is not text", "invalid_type")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _wrong(name, "holds half a character (a lone surrogate)") from None
    return value


def _voice(name: str, value: Any) -> str:
    """A name, or ``{"id": name}``, as the OpenAI API writes voices of one's own."""
    if isinstance(value, dict) and set(value) == {"id"}:
        value = value["id"]
    return _text(name, value)


def _one_of(choices: tuple[str, ...]) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if _text(name, value) not in choices:
            raise _wrong(name, f"is {value[:100]!r}; it can be: {', '.join(choices)}")
        return str(value)

    return check


def _speed(name: str, value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not -_HUGE < value < _HUGE:  # an int of 400 digits can't become a float
        raise _wrong(name, "is not a number", "invalid_type")
    try:
        return Sampling(speed=float(value)).check().speed
    except UserError as error:
        raise ApiError(400, error.message, "invalid_value", name) from None


def _seed(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, "is not a whole number", "invalid_type")
    if not 0 <= value <= LARGEST_SEED:
        raise _wrong(name, f"is outside of 0 to {LARGEST_SEED}")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "is neither true nor false", "invalid_type")
    return value


_FIELDS: dict[str, Callable[[str, Any], Any]] = {
    "model": _text,
    "input": _text,
    "voice": _voice,
    "response_format": _one_of(FORMATS),
    "speed": _speed,
    "stream_format": _one_of(STREAM_FORMATS),
    "instructions": _text,
    "language": _text,
    "seed": _seed,
    "stream": _flag,
}
