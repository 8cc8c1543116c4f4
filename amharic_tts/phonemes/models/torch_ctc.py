"""CTC models in torch, for comparison and for GPUs; they need the memory of torch."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from amharic_tts.errors import UserError
from amharic_tts.phonemes.models import store, vocabulary
from amharic_tts.phonemes.models.base import RATE, Array, LoadOptions, Symbols
from amharic_tts.phonemes.models.onnx_ctc import log_softmax, normalised
from amharic_tts.phonemes.models.onnx_session import thread_count

_DTYPES = ("fp32", "bf16", "dynamic_int8")


class TorchCtc:
    """A model in the layout of transformers, run by torch itself."""

    backend = "torch"

    def __init__(
        self,
        folder: Path,
        source: str,
        notation: str | None,
        languages: tuple[str, ...],
        options: LoadOptions,
    ) -> None:
        """Load it.

        Args:
            folder: With config.json, vocab.json and weights.
            source: Its hub id or folder, for the id.
            notation: None guesses it from the vocabulary.
            languages: That it was trained on.
            options: dtype ``auto`` is fp32; ``compile`` costs a minute at the first call.

        Raises:
            UserError: Files missing, damaged or hostile; no GPU; a dtype that torch has not.
        """
        import torch

        from amharic_tts.phonemes.convert_front import hop, receptive
        from amharic_tts.phonemes.convert_load import load_ctc

        self.dtype = "fp32" if options.dtype == "auto" else options.dtype
        _check(self.dtype, options)
        config = vocabulary.read_object(folder / "config.json")
        names, blank, word = vocabulary.read_hub(folder, config)
        self.notation = notation or vocabulary.guess_notation(names)
        self.symbols: Symbols = vocabulary.symbols(names, self.notation, blank, word)
        self.languages, self.revision = languages, options.revision
        self.id = f"{source}@{self.revision[:12]}" if self.revision else source
        self.threads = thread_count(options.threads)
        self._normalise = vocabulary.normalises(folder)
        self._device = torch.device(options.device)
        model = load_ctc(folder)
        from amharic_tts.phonemes.convert_ctc import front_layers

        layers = front_layers(model)
        self._receptive = receptive(layers)
        self.frame_seconds = hop(layers) / RATE
        self._type = torch.bfloat16 if self.dtype == "bf16" else torch.float32
        self._model = self._prepared(model, options)
        # torch counts threads for the whole process, so calls go one by one.
        self._lock = threading.Lock()

    @classmethod
    def open(cls, name: str, source: str, options: LoadOptions) -> TorchCtc:
        """Load a model of the catalog, the hub or a folder from the files that are here.

        Raises:
            UserError: It was not downloaded yet; the hint is the command that does it.
        """
        from amharic_tts.phonemes.models import catalog

        entry = next((e for e in catalog.ENTRIES if e.source == source), None)
        folder = Path(source)
        if not folder.is_dir():
            folder = store.downloads(source, options.revision)
        if not (folder / "config.json").is_file():
            revision = f" --revision {options.revision}" if options.revision else ""
            raise UserError(
                f"The files of `{name}` that torch would run are not here (`{folder}`)",
                f"Download them by converting once: amharic-tts phonemes-convert {name}{revision}",
            )
        notation = entry.notation if entry else None
        return cls(folder, source, notation, entry.languages if entry else (), options)

    def _prepared(self, model: Any, options: LoadOptions) -> Any:
        import torch

        # One kernel for attention, faster than the products that the exporter needs.
        model.set_attn_implementation("sdpa")
        if self.dtype == "dynamic_int8":
            with warnings.catch_warnings():
                # Announced to be removed; its successor is slower than fp32 on a CPU.
                warnings.simplefilter("ignore", DeprecationWarning)
                model = torch.ao.quantization.quantize_dynamic(
                    model, {torch.nn.Linear}, dtype=torch.qint8, inplace=True
                )
        model = model.to(self._device, self._type)
        return torch.compile(model) if options.compile else model

    def log_probabilities(self, samples: Array) -> Array:
        """Return natural logarithms, shape (frames, symbols), of mono samples at `RATE`."""
        import torch

        if not samples.size:
            return np.zeros((0, len(self.symbols.names)), dtype=np.float32)
        x = normalised(samples, self._normalise, self._receptive)
        with self._lock, torch.inference_mode():
            before = torch.get_num_threads()
            torch.set_num_threads(self.threads)
            try:
                given = torch.from_numpy(x)[None].to(self._device, self._type)
                scores = self._model(given).logits[0].float().cpu().numpy()
            finally:
                torch.set_num_threads(before)
        return log_softmax(scores)


def _check(dtype: str, options: LoadOptions) -> None:
    import torch

    if dtype not in _DTYPES:
        raise UserError(
            f"`{dtype}` is no format of the torch backend", f"One of {', '.join(_DTYPES)}"
        )
    if options.device != "cpu" and not torch.cuda.is_available():
        raise UserError(f"There is no GPU for the device `{options.device}`", "Take `cpu`")
    if dtype == "dynamic_int8" and options.device != "cpu":
        raise UserError("dynamic_int8 runs on the CPU only", "Take bf16 on the GPU")
