"""Names of recognisers, whether they are ready here, and loading by name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models import store
from amharic_tts.phonemes.models.base import LoadOptions, Recognizer
from amharic_tts.phonemes.models.hama_model import HamaModel, installed_version, present

EMBEDDED = "embedded"
_COMMAND = "amharic-tts phonemes-convert"
_USUAL = LoadOptions()


@dataclass(frozen=True)
class Entry:
    """One name that users can give."""

    name: str
    source: str
    """Package or hub id."""
    notation: str
    """``ipa``, ``arpabet`` or ``letters``."""
    languages: tuple[str, ...]
    licence: str
    note: str
    """One sentence for the person who chooses."""


ENTRIES: tuple[Entry, ...] = (
    Entry(
        EMBEDDED,
        "package hama",
        "ipa",
        ("en",),
        "Apache-2.0",
        "English, with its weights in the set-up: no download, 80 MB of memory",
    ),
    Entry(
        "fast",
        "anyspeech/zipa-small-crctc-500k",
        "ipa",
        ("88 languages",),
        "CC BY 4.0",
        "ZIPA small: 88 languages, 64 million weights, 71 MB to download, no conversion",
    ),
    Entry(
        "accurate",
        "facebook/wav2vec2-lv-60-espeak-cv-ft",
        "ipa",
        ("many",),
        "Apache-2.0",
        "wav2vec 2.0 large on Common Voice with espeak phones; 1.3 GB to download and convert",
    ),
    Entry(
        "fast-english",
        "bookbot/wav2vec2-ljspeech-gruut",
        "ipa",
        ("en",),
        "Apache-2.0",
        "wav2vec 2.0 base, trained on one reader (LJSpeech); 380 MB to download and convert",
    ),
    Entry(
        "timit-ipa",
        "speech31/wav2vec2-large-TIMIT-IPA",
        "ipa",
        ("en",),
        "Apache-2.0",
        "wav2vec 2.0 large on TIMIT; 1.3 GB to download and convert",
    ),
    Entry(
        "base-960h",
        "facebook/wav2vec2-base-960h",
        "letters",
        ("en",),
        "Apache-2.0",
        "Writes English letters, not phonemes; 380 MB to download and convert",
    ),
)
BY_NAME = {entry.name: entry for entry in ENTRIES}


@dataclass(frozen=True)
class State:
    """Whether a model can be loaded here."""

    entry: Entry
    ready: bool
    reason: str
    hint: str
    """What to do to make it ready; empty where it is."""
    dtypes: tuple[str, ...] = ()
    """Number formats that it is converted to."""


def states(cache: Path | None = None) -> list[State]:
    """Return every entry with whether it is ready; looks at files, loads nothing."""
    return [_state(entry, cache) for entry in ENTRIES]


def _state(entry: Entry, cache: Path | None) -> State:
    if entry.name == EMBEDDED:
        if present():
            return State(entry, True, "part of the set-up", "", ("hama",))
        if sys.platform == "win32":
            return State(
                entry,
                False,
                "hama has no build for Windows",
                f"Take `fast` instead: {_COMMAND} fast",
            )
        return State(entry, False, "hama is not installed", "python smart_install.py")
    have = tuple(
        dtype
        for dtype in ("int8", "fp32")
        if store.is_there(store.converted(entry.source, dtype, cache=cache))
    )
    if have:
        return State(entry, True, f"converted: {', '.join(have)}", "", have)
    return State(entry, False, "not downloaded and converted yet", f"{_COMMAND} {entry.name}")


def source_of(name: str) -> str:
    """Return the hub id or folder that a name stands for.

    Raises:
        UserError: It is no entry, no hub id and no folder.
    """
    if name in BY_NAME:
        return BY_NAME[name].source
    if Path(name).is_dir() or store.is_hub_id(name):
        return name
    names = ", ".join(f"`{entry.name}`" for entry in ENTRIES)
    raise UserError(
        f"There is no phoneme model `{name}`",
        f"The models are {names}, a hub id (owner/name) or a folder",
    )


def backend_of(name: str, options: LoadOptions) -> str:
    """Return what would run a model: ``hama``, ``onnxruntime`` or ``torch``.

    Raises:
        UserError: The options contradict each other or the model.
    """
    wants_torch = (
        options.dtype in ("bf16", "dynamic_int8") or options.compile or options.device != "cpu"
    )
    if name == EMBEDDED:
        if options.backend not in ("auto", "hama") or options.device != "cpu":
            asked = options.backend if options.device == "cpu" else options.device
            raise UserError(f"`{EMBEDDED}` runs in its own package, not with `{asked}`")
        return "hama"
    if options.backend == "hama":
        raise UserError(f"Only `{EMBEDDED}` runs in hama, not `{name}`")
    if options.backend == "onnxruntime" and wants_torch:
        raise UserError(
            "bf16, dynamic_int8, compile and cuda need torch, not onnxruntime",
            "Take the backend `torch`, or int8 or fp32 on the CPU",
        )
    return "torch" if wants_torch or options.backend == "torch" else "onnxruntime"


def folder_of(name: str, options: LoadOptions) -> Path:
    """Return the folder of a converted model.

    Raises:
        UserError: It is not converted; the hint is the command that does it.
    """
    source = source_of(name)
    if store.is_there(Path(source)):
        return Path(source)
    dtypes = ("int8", "fp32") if options.dtype == "auto" else (options.dtype,)
    for dtype in dtypes:
        folder = store.converted(source, dtype, options.revision)
        if store.is_there(folder):
            return folder
    raise _not_converted(name, source, options)


def _not_converted(name: str, source: str, options: LoadOptions) -> UserError:
    dtype = " --fp32" if options.dtype == "fp32" else ""
    revision = f" --revision {options.revision}" if options.revision else ""
    what = f"`{name}`" if name == source else f"`{name}` ({source})"
    form = "" if options.dtype == "auto" else f" to {options.dtype}"
    at = f" at revision `{options.revision}`" if options.revision else ""
    return UserError(
        f"The model {what} is not converted{form}{at} yet",
        f"Do it once: {_COMMAND} {name}{dtype}{revision}",
    )


def key(name: str, options: LoadOptions = _USUAL) -> str:
    """Return what tells loaded models apart; a model that was converted anew has a new key.

    Raises:
        UserError: As `load`, where that can be seen without loading.
    """
    backend = backend_of(name, options)
    settings = (
        f"{backend}:{options.dtype}:{options.threads}:{options.pack}:{options.compile}:{options.device}"
        f":{options.revision}"
    )
    if backend == "hama":
        return f"{EMBEDDED}:hama-{installed_version()}:{options.threads}"
    if backend == "torch":
        return f"{source_of(name)}:{settings}"
    folder = folder_of(name, options)
    return f"{folder.resolve()}:{(folder / store.NOTE).stat().st_mtime_ns}:{settings}"


def load(name: str, options: LoadOptions = _USUAL) -> Recognizer:
    """Load a recogniser.

    Args:
        name: An entry's name, a Hugging Face id, or a folder (of a converted model, or in the
            layout of transformers).
        options: How it shall run.

    Raises:
        UserError: It is not converted yet (the hint holds the command), its files are damaged, or
            the options don't fit it.
        MissingPart: Its package has no build for this machine.
    """
    backend = backend_of(name, options)
    if backend == "hama":
        return HamaModel()
    if backend == "torch":
        from amharic_tts.phonemes.models.torch_ctc import TorchCtc

        return TorchCtc.open(name, source_of(name), options)
    description = store.describe(folder_of(name, options))
    if options.dtype not in ("auto", description.dtype):
        raise UserError(
            f"`{description.folder}` holds {description.dtype}, not {options.dtype}",
            f"Convert it: {_COMMAND} {description.source} --{options.dtype}",
        )
    if description.kind == "icefall":
        from amharic_tts.phonemes.models.zipa_model import ZipaModel

        return ZipaModel(description, options.threads, options.pack)
    from amharic_tts.phonemes.models.onnx_ctc import OnnxCtc

    return OnnxCtc(description, options.threads, options.pack)
