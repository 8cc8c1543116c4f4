"""Load a CTC model in the layout of transformers, without ever running what a file holds."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError

_WEIGHTS = "pytorch_model.bin"
# Used in training only; a model that lacks it loads rightly.
_NOT_NEEDED = ("masked_spec_embed",)


def load_ctc(folder: Path) -> Any:
    """Return a `transformers` CTC model in fp32, for evaluation.

    Raises:
        UserError: Weights missing, damaged, hostile or without the CTC layer; an architecture
            that this transformers does not know.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCTC
    from transformers.utils import logging

    check_weights(folder)
    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # what is missing is told below, as an error
    try:
        model, info = AutoModelForCTC.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",  # as products and a softmax, which the exporter knows
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            output_loading_info=True,
        )
    except (ValueError, OSError, RuntimeError, KeyError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else repr(error)
        raise UserError(
            f"The model in `{folder}` can't be loaded: {reason}",
            "Download it again, or choose another",
        ) from error
    finally:
        logging.set_verbosity(verbosity)
    missing = [key for key in info["missing_keys"] if not key.endswith(_NOT_NEEDED)]
    if missing:
        raise UserError(
            f"The weights in `{folder}` lack {len(missing)} parts, first `{sorted(missing)[0]}`",
            "It is no finished CTC model; take one that was fine-tuned on phones or letters",
        )
    return model.eval()


def check_weights(folder: Path) -> None:
    """Read a pickled checkpoint by torch's restricted loader, which builds tensors only.

    Raises:
        UserError: There are no weights, or the checkpoint asks for anything but tensors.
    """
    import torch

    if (folder / "model.safetensors").is_file():
        return
    path = folder / _WEIGHTS
    if not path.is_file():
        raise UserError(
            f"`{folder}` holds no weights", f"Expected is model.safetensors or {_WEIGHTS}"
        )
    try:
        torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise UserError(
            f"`{path}` is refused: it holds more than weights, or is damaged",
            "A checkpoint that wants to run code is not loaded; take one in safetensors",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise UserError(f"`{path}` is damaged: {error}", "Download it again") from error
