"""Models of the right architecture with random weights, for speed and memory only.

They recognise nothing. They serve where the real ones can't be downloaded: speed and memory of a
network depend on its shape, not on what it has learnt.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from amharic_tts.errors import MissingPart, UserError
from amharic_tts.events import Done, Event, Failed, Finding, Progress
from amharic_tts.files import require_space, sync_folder, write_text

SIZES: dict[str, dict[str, int]] = {
    "large": {
        **{"hidden_size": 1024, "num_hidden_layers": 24},
        **{"num_attention_heads": 16, "intermediate_size": 4096},
    },
    "base": {},
    "tiny": {
        **{"hidden_size": 32, "num_hidden_layers": 2},
        **{"num_attention_heads": 2, "intermediate_size": 64},
    },
}
"""wav2vec2-large and -base as published (315 and 94 million weights); `tiny` is for tests."""
_BYTES = {"large": 3_200_000_000, "base": 1_000_000_000, "tiny": 10_000_000}
_PHONES = "a e i o u ɑ æ ɛ ɪ ɔ ʊ ʌ ə ɝ b d f ɡ h j k l m n ŋ p ɹ s t v w z ʃ ʒ θ ð tʃ dʒ ɾ ʔ"
_SYMBOLS = ("<pad>", "<s>", "</s>", "<unk>", "|", *_PHONES.split())


def build(size: str, folder: Path | None = None) -> Iterator[Event]:
    """Make the model and both its conversions, reused where they are there.

    Args:
        size: A key of `SIZES`.
        folder: Where the models go, in folders of their own; None takes the cache of models.

    Yields:
        Progress, then `Done` with ``model``: the folder that `catalog.load` takes.

    Raises:
        UserError: No such size, or too little disk space.
        MissingPart: torch or transformers is not installed.
    """
    if size not in SIZES:
        raise UserError(f"There is no size `{size}`", f"The sizes are {', '.join(SIZES)}")
    if not all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        raise MissingPart(
            "Random models need torch and transformers",
            "Install them with `python smart_install.py`, or measure a model that is converted",
        )
    from amharic_tts.phonemes.models import store

    folder = folder or store.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"random-{size}"
    with FileLock(folder / f".random-{size}.lock"):
        if not target.is_dir():
            require_space(folder, _BYTES[size], f"The random {size} model with its conversions")
            yield Progress(0, 3, f"making random weights ({size})")
            _make(size, target)
        for number, dtype in enumerate(("int8", "fp32"), 1):
            if not store.is_there(store.converted(str(target), dtype)):
                yield Progress(number, 3, f"converting to {dtype}")
                yield from _converted(target, dtype)
    yield Done({"model": str(target)})


def _converted(folder: Path, dtype: str) -> Iterator[Event]:
    from amharic_tts.phonemes import convert

    for event in convert.convert(str(folder), dtype=dtype):
        if isinstance(event, (Finding, Failed)):
            yield event


def _make(size: str, target: Path) -> None:
    """Write the model in Hugging Face's layout; a kill leaves no half one under its name."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    aside = target.with_name(f".{target.name}.part")
    if aside.exists():
        shutil.rmtree(aside)  # ours alone, from a kill
    with _seeded(torch):
        config = Wav2Vec2Config(
            vocab_size=len(_SYMBOLS), feat_extract_norm="group", pad_token_id=0, **SIZES[size]
        )
        Wav2Vec2ForCTC(config).save_pretrained(aside)
    symbols = {name: number for number, name in enumerate(_SYMBOLS)}
    write_text(aside / "vocab.json", json.dumps(symbols, ensure_ascii=False))
    sound = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1}
    sound |= {"do_normalize": True, "sampling_rate": 16_000, "padding_value": 0.0}
    sound |= {"padding_side": "right", "return_attention_mask": False}
    write_text(aside / "preprocessor_config.json", json.dumps(sound))
    words = {"tokenizer_class": "Wav2Vec2CTCTokenizer", "pad_token": "<pad>"}
    words |= {"word_delimiter_token": "|", "unk_token": "<unk>", "bos_token": "<s>"}
    write_text(aside / "tokenizer_config.json", json.dumps({**words, "eos_token": "</s>"}))
    aside.replace(target)
    sync_folder(target.parent)


@contextlib.contextmanager
def _seeded(torch: Any) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
