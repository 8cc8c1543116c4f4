"""Look at a model that somebody else made before it becomes a voice: nothing in it is believed."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amharic_tts.base_models.catalog import SPEAKERS_FILE, check_file
from amharic_tts.base_models.checkpoint import load_speakers, stored_model_state
from amharic_tts.errors import UserError
from amharic_tts.synthesis.half import precision_of
from amharic_tts.synthesis.sums import plain_name
from amharic_tts.synthesis.voices import VOICE_JSON
from amharic_tts.text import languages
from amharic_tts.tokenizer.settings import TextSettings, current
from amharic_tts.tokenizer.vocabulary import language_tag, load_vocabulary, phone_token, token_ids

if TYPE_CHECKING:
    from torch import Tensor

STOCK_FILES = ("config.json", "vocab.json", "model.pth")
MOST_JSON = 64_000_000
MOST_RECORD = 64_000_000
"""Bytes of the table of contents in a weights file; that of XTTS v2 has 0.2 MB."""
_MOST_SIZE = 200_000
"""Largest number of anything in a configuration; the vocabulary of XTTS v2 has 6681 tokens."""
_MOST_LAYERS = 200
_MOST_WIDTH = 8192
_MOST_NOTE = 2000
_SIZES = (
    *("gpt_layers", "gpt_n_model_channels", "gpt_n_heads", "gpt_num_audio_tokens"),
    *("gpt_max_audio_tokens", "gpt_max_text_tokens", "gpt_max_prompt_tokens"),
    *("gpt_code_stride_len", "decoder_input_dim", "d_vector_dim"),
)
"""Coqui takes the size of XTTS v2 for one that is no number, and tells only a warning."""
_SHOWN = 4
_BUILDING = (
    *(TypeError, ValueError, LookupError, AttributeError),
    *(RuntimeError, ArithmeticError, AssertionError),
)
"""What a made-up configuration brings coqui to raise while it builds."""


def file_faults(folder: Path, names: tuple[str, ...] = STOCK_FILES) -> list[str]:
    """Return what can be seen to be wrong with files of a voice, a line per file."""
    found = []
    for name in names:
        path = folder / name
        if path.suffix == ".json" and path.is_file() and path.stat().st_size > MOST_JSON:
            found.append(f"{name} has {path.stat().st_size / 1e6:.0f} MB; no voice needs so much")
        else:
            try:
                found.append(check_file(path) or (_packing(path) if path.suffix == ".pth" else ""))
            except (RecursionError, ValueError, TypeError, LookupError, AttributeError) as error:
                found.append(f"{name} is not what its name says ({type(error).__name__})")
            except zipfile.BadZipFile as error:
                found.append(f"{name} is damaged: {error}")
    return [fault for fault in found if fault]


def _packing(path: Path) -> str:
    """Return what is wrong with how a weights file is packed: `torch.save` packs nothing.

    A packed one could take all memory when it is opened.
    """
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            return (
                f"{path.name} is in the old form of torch.save, which is not opened; load it where "
                "you trust it and save it again"
            )
    with zipfile.ZipFile(path) as packed:
        for info in packed.infolist():
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                return f"{path.name} is packed in a way that torch.save never does"
            if info.filename.endswith("data.pkl") and info.file_size > MOST_RECORD:
                return f"{path.name} has a table of contents of {info.file_size / 1e6:.0f} MB"
    return ""


def voice_body(path: Path) -> dict[str, Any]:
    """Return what a `voice.json` from elsewhere says, if every part is of its kind.

    Raises:
        UserError: Names the part that is not.
    """
    if path.stat().st_size > MOST_JSON:
        raise UserError(f"{VOICE_JSON} has {path.stat().st_size / 1e6:.0f} MB")
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{VOICE_JSON} can't be read: {error}") from error
    parts: Mapping[str, type | tuple[type, ...]] = {
        **{"text": dict, "files": dict, "note": str, "manifest": dict},
        **{"created": (int, float), "vocabulary_sha256": str},
    }
    for name, kind in parts.items():
        value = body.get(name) if isinstance(body, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(
                f"{VOICE_JSON} is not as the studio writes it: `{name}` is missing or wrong",
                "Copy or download the voice again; without its voice.json it can be brought in as "
                "the voice of another tool",
            )
    if len(body["note"]) > _MOST_NOTE or not math.isfinite(body["created"]):
        raise UserError(f"{VOICE_JSON} is not as the studio writes it: `note` or `created`")
    language = body["text"].get("language")
    if not isinstance(language, str) or languages.canonical(language) != language:
        raise UserError(f"{VOICE_JSON} names no language: `{str(language)[:40]}`")
    for name, one in body["files"].items():
        plain_name(name)
        if not isinstance(one, dict) or not isinstance(one.get("sha256"), str):
            raise UserError(f"{VOICE_JSON} tells no hash of `{name[:100]}`")
    absent = [name for name in STOCK_FILES if name not in body["files"]]
    if absent:
        raise UserError(f"{VOICE_JSON} does not name {', '.join(absent)}")
    return dict(body)


def text_settings(folder: Path, language: str, text_mode: str, g2p: str) -> TextSettings:
    """Return how a voice without a `voice.json` reads text, by what a person says.

    Raises:
        UserError: It was not said, or the vocabulary has no tokens for it.
    """
    known = languages_of(folder)
    if not language or not text_mode:
        raise UserError(
            "The voice has no voice.json: nothing in it tells how it reads text",
            "Say which language it reads, and whether as letters or as phonemes: --language am "
            f"--text-mode letters. Its configuration names these languages: {', '.join(known)}",
        )
    settings = current(languages.canonical(language), text_mode, g2p)
    ids = token_ids(load_vocabulary(folder / "vocab.json"))
    if language_tag(settings.language) not in ids:
        raise UserError(
            f"The voice does not know the language `{settings.language}`: its vocabulary has no "
            f"token `{language_tag(settings.language)}`",
            f"Its configuration names: {', '.join(known)}",
        )
    if settings.text_mode == "phonemes":
        from amharic_tts.g2p import base

        absent = [phone for phone in base.inventory() if phone_token(phone) not in ids]
        if absent:
            raise UserError(
                f"The voice reads no phonemes of the studio: its vocabulary lacks "
                f"{len(absent)} of them, such as `{phone_token(absent[0])}`",
                "Choose letters, or make the voice with the studio",
            )
    return settings


def languages_of(folder: Path) -> list[str]:
    """Return the languages that a configuration names."""
    body = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    named = body.get("languages")
    return [str(one)[:20] for one in named[:100]] if isinstance(named, list) else []


def check_weights(folder: Path, settings: TextSettings) -> str:
    """Compare the weights with the configuration and the vocabulary; return their precision.

    Nothing in the files is run (`weights_only`), and no weights are read: the file is mapped.

    Raises:
        UserError: They are damaged, carry code, or do not fit; names the tensors.
    """
    state = stored_model_state(folder / "model.pth", mapped=True)
    wanted = _wanted(folder, settings)
    missing, extra = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    faults = []
    if missing:
        faults.append(f"- {len(missing)} tensors are missing, such as {_some(missing)}")
    if extra:
        faults.append(f"- {len(extra)} tensors are too many, such as {_some(extra)}")
    for key in sorted(set(wanted) & set(state)):
        shape = tuple(state[key].shape)
        if shape != wanted[key]:
            faults.append(f"- `{key}` has the shape {shape} instead of {wanted[key]}")
        elif not _is_number(state[key], key):
            faults.append(f"- `{key}` holds {state[key].dtype}, which is no weight")
    if faults:
        shown = faults[: _SHOWN + 2]
        more = f"\n- and {len(faults) - len(shown)} more" if len(faults) > len(shown) else ""
        raise UserError(
            "model.pth does not fit config.json and vocab.json:\n" + "\n".join(shown) + more,
            "The files of a voice belong together; take all of them from the same place",
        )
    return precision_of(state)


def check_speakers(folder: Path) -> None:
    """Check the built-in speakers, where there are any.

    Raises:
        UserError: The file is damaged, carries code, or holds something else.
    """
    if (folder / SPEAKERS_FILE).is_file():
        load_speakers(folder / SPEAKERS_FILE)


def _some(names: list[str]) -> str:
    return ", ".join(f"`{name[:100]}`" for name in names[:_SHOWN])


def _is_number(value: Tensor, key: str) -> bool:
    return value.is_floating_point() or key.endswith("num_batches_tracked")


def _wanted(folder: Path, settings: TextSettings) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of all weights, from a model whose GPT has no memory.

    Raises:
        UserError: The configuration can't be used.
    """
    import torch
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    from amharic_tts.base_models.gpt import new_gpt
    from amharic_tts.tokenizer.ethiopic_bpe import make_tokenizer

    body = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    _check_sizes(body["model_args"])
    try:
        config = XttsConfig()
        config.load_json(folder / "config.json")
        config.model_args.gpt_number_text_tokens = None  # the GPT is built below
        model = Xtts(config)
        tokenizer = make_tokenizer(folder / "vocab.json", settings)
        tokens = tokenizer.tokenizer
        ends = tokens.token_to_id("[START]"), tokens.token_to_id("[STOP]")
        with torch.device("meta"):
            model.gpt = new_gpt(model.args, *ends, tokenizer.get_number_tokens())
    except _BUILDING as error:
        raise UserError(_unusable(error)) from error
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


def _unusable(error: Exception) -> str:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return f"config.json describes no XTTS that can be built: {reason}"


def _check_sizes(arguments: Any) -> None:
    """Refuse sizes that would take for ever to build.

    Raises:
        UserError: Names the one that is too large.
    """
    if not isinstance(arguments, Mapping):
        raise UserError("config.json has no `model_args`")
    for name in _SIZES:
        if name in arguments and type(arguments[name]) is not int:
            raise UserError(
                f"config.json: `{name}` is {arguments[name]!r}, not a whole number"[:300]
            )
    for name, value in arguments.items():
        most = _MOST_LAYERS if "layers" in str(name) else _MOST_SIZE
        most = _MOST_WIDTH if str(name).endswith(("_dim", "_channels")) else most
        if isinstance(value, int) and not -most <= value <= most:
            raise UserError(f"config.json: `{name}` is {value}; no XTTS has more than {most}")
