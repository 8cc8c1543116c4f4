"""Read weights without running code that a file may carry (`weights_only`)."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amharic_tts.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

# Coqui's trainer stores more than the Xtts; and modules made for inference share the GPT's weights.
_NOT_XTTS = ("torch_mel_spectrogram_style_encoder.", "torch_mel_spectrogram_dvae.", "dvae.")
_SHARED = ("gpt.gpt_inference.", "gpt.gpt.wte.")


def _load(path: Path, mapped: bool = False) -> Any:
    import torch
    from torch.serialization import safe_globals
    from TTS.config.shared_configs import BaseDatasetConfig
    from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig

    # The released model.pth carries its configuration as objects of these plain data classes,
    # under the module where two of them lived when it was made.
    old = "TTS.tts.models.xtts"
    allowed = [
        XttsConfig,
        BaseDatasetConfig,
        (XttsArgs, f"{old}.XttsArgs"),
        (XttsAudioConfig, f"{old}.XttsAudioConfig"),
    ]
    try:
        with safe_globals(allowed):
            return torch.load(
                path,
                map_location="cpu",
                weights_only=True,
                mmap=mapped and zipfile.is_zipfile(path),
            )
    except FileNotFoundError:
        raise UserError(f"`{path}` is missing") from None
    except pickle.UnpicklingError as error:
        raise UserError(
            f"`{path}` is damaged, or holds more than weights: {_first_line(error)}",
            "Fetch or export it again; a file that carries code is never opened",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UserError(
            f"`{path}` can't be read as weights: {_first_line(error)}",
            "It may be cut short; fetch or export it again",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file that holds a plain state dict.

    Raises:
        UserError: The file is missing, damaged, carries code, or holds something else.
    """
    import torch

    body = _load(path)
    if not isinstance(body, dict) or not all(isinstance(v, torch.Tensor) for v in body.values()):
        raise UserError(f"`{path}` does not hold a table of weights")
    return body


def load_model_state(path: Path, mapped: bool = False) -> dict[str, Tensor]:
    """Return the state dict of an `Xtts` from a `model.pth`.

    Reads exported voices, the released file (whose pickled configuration is let through as plain
    data) and checkpoints of coqui's trainer (prefix ``xtts.``). Weights in half precision come back
    in float32.

    Args:
        path: Of the file.
        mapped: The tensors are read from the file when they are used; it must stay as it is.

    Raises:
        UserError: The file is missing, damaged, carries code, or has no ``"model"``.
    """
    import torch

    return {
        key: value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
        for key, value in stored_model_state(path, mapped).items()
    }


def stored_model_state(path: Path, mapped: bool = False) -> dict[str, Tensor]:
    """Return what `load_model_state` does, in the precision of the file.

    Raises:
        UserError: See `load_model_state`; also where a value is no tensor.
    """
    import torch

    body = _load(path, mapped)
    model = body.get("model") if isinstance(body, dict) else None
    if not isinstance(model, dict):
        raise UserError(f'`{path}` is not a model of XTTS: it has no `"model"`')
    plain = {
        str(key).removeprefix("xtts."): value
        for key, value in model.items()
        if not str(key).startswith(_NOT_XTTS)
    }
    odd = [key for key, value in plain.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise UserError(f"`{path}` holds something else than weights under `{odd[0][:100]}`")
    return {key: value for key, value in plain.items() if not key.startswith(_SHARED)}


def load_speakers(path: Path) -> dict[str, dict[str, Tensor]]:
    """Return the built-in speakers of a `speakers_xtts.pth`, by name.

    Raises:
        UserError: The file is missing, damaged, carries code, or holds something else.
    """
    import torch

    body = _load(path)
    for speaker in body.values() if isinstance(body, dict) else [None]:
        tensors = list(speaker.values()) if isinstance(speaker, dict) else [None]
        if not all(isinstance(one, torch.Tensor) for one in tensors):
            raise UserError(f"`{path}` does not hold speakers of XTTS")
    return dict(body)
