"""Recognisers in the layout of transformers: CTC models (wav2vec 2.0, MMS) and seq2seq ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from amharic_tts.errors import UserError
from amharic_tts.phonemes.convert_load import check_weights, load_ctc
from amharic_tts.recognition.base import RATE, Heard, Samples, Word
from amharic_tts.recognition.store import Files, adapter_file

Loaded = TypeVar("Loaded")
_WORD_START = "▁"
"""Before the first piece of a word, in vocabularies of SentencePiece."""
_LEAST = 0.1
"""Seconds that a model is given at least; shorter sounds are filled up with silence."""


def _loaded(files: Files, load: Callable[[], Loaded]) -> Loaded:
    """Load a part of a model; whatever its files have wrong is an error that names them.

    Raises:
        UserError: It can't be loaded.
    """
    try:
        return load()
    except (ValueError, OSError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise UserError(
            f"The recogniser in `{files.folder}` can't be loaded: {reason}",
            "Fetch it again, or choose another",
        ) from error


def _front(files: Files) -> Any:
    """Return the model's feature extractor; it must hear `RATE`."""
    from transformers import AutoFeatureExtractor

    front: Any = _loaded(
        files,
        lambda: AutoFeatureExtractor.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        ),
    )
    if getattr(front, "sampling_rate", RATE) != RATE:
        raise UserError(
            f"The recogniser in `{files.folder}` hears {front.sampling_rate} samples a second; "
            f"{RATE} is what is served",
            "Choose another recogniser",
        )
    return front


def _tokenizer(files: Files, **more: Any) -> Any:
    from transformers import AutoTokenizer

    return _loaded(
        files,
        lambda: AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False, **more
        ),
    )


def _filled(samples: Samples) -> Samples:
    least = int(_LEAST * RATE)
    return np.pad(samples, (0, least - samples.size)) if samples.size < least else samples


class CtcModel:
    """A CTC model that writes letters or pieces of words, one reading: the likeliest a frame."""

    longest = 28.0
    """Memory grows with the square of the length."""

    def __init__(self, files: Files, device: str, threads: int) -> None:
        """Load it, with the adapter of its language where it has such.

        Raises:
            UserError: Files missing, damaged or hostile; no words can be told apart.
        """
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        more = {"target_lang": files.adapter} if files.adapter else {}
        self._front = _front(files)
        tokenizer = _tokenizer(files, **more)
        model: Any = load_ctc(files.folder)
        if files.adapter:
            path = files.folder / adapter_file(files.adapter)
            if not path.is_file():  # without it the loader would look for a pickled one
                raise UserError(f"`{path}` is missing")
            load = model.load_adapter
            _loaded(files, lambda: load(files.adapter, local_files_only=True, use_safetensors=True))
        model.set_attn_implementation("sdpa")
        self._model, self._device = model.to(device), device
        size = int(model.lm_head.out_features)
        self.letters = letters_of(tokenizer, size, model.config.pad_token_id)

    def hear(self, samples: Samples) -> Heard:
        """Return what is said; a word's times are those of its letters' frames."""
        import torch

        given = self._front(
            _filled(samples), sampling_rate=RATE, return_tensors="pt", padding=False
        )
        with torch.inference_mode():
            scores = self._model(**{k: v.to(self._device) for k, v in given.items()}).logits[0]
            best = scores.float().log_softmax(dim=-1).max(dim=-1)
        sure, ids = best.values.exp().cpu().numpy(), best.indices.cpu().numpy()
        return read_frames(ids, sure, self.letters, len(_filled(samples)) / RATE)


@dataclass(frozen=True)
class Letters:
    """What the outputs of a CTC model stand for."""

    tokens: tuple[str, ...]
    blank: int
    between: int | None
    """Output that stands between words; None where pieces of words begin with a mark."""
    silent: frozenset[int]
    """Outputs that are not written: marks of the model."""
    lower: bool
    """Whether it knows capitals alone, which are written small: nobody shouted."""


def letters_of(tokenizer: Any, size: int, pad: int | None) -> Letters:
    """Return what the `size` outputs of a model stand for.

    Raises:
        UserError: It does not say which output is the blank, or what stands between words.
    """
    tokens = tuple(str(t) for t in tokenizer.convert_ids_to_tokens(list(range(size))))
    blank = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else pad
    if blank is None or not 0 <= blank < size:
        raise UserError("The recogniser does not say which of its symbols is the blank")
    delimiter = getattr(tokenizer, "word_delimiter_token", None)
    between = tokens.index(delimiter) if delimiter in tokens else None
    if between is None and not any(token.startswith(_WORD_START) for token in tokens):
        raise UserError(
            "The recogniser's vocabulary has nothing that stands between words",
            "A recogniser of phonemes writes no text; take one that writes letters",
        )
    marks = {*tokenizer.all_special_ids} - {between}
    written = "".join(t for i, t in enumerate(tokens) if i not in marks)
    lower = any(c.isupper() for c in written) and not any(c.islower() for c in written)
    return Letters(tokens, blank, between, frozenset(marks), lower)


def read_frames(
    ids: Sequence[int], sure: Sequence[float], letters: Letters, seconds: float
) -> Heard:
    """Return the words of a model's likeliest outputs.

    Args:
        ids: The likeliest output of each frame.
        sure: Its probability.
        letters: What the outputs stand for.
        seconds: Length of the sound.
    """
    found = _Words(seconds / max(1, len(ids)))
    before = letters.blank
    for number, output in enumerate(int(i) for i in ids):
        repeated, before = output == before, output
        if output == letters.blank:
            continue
        token = letters.tokens[output]
        if output == letters.between or (not repeated and token.startswith(_WORD_START)):
            found.close()
        if output == letters.between or output in letters.silent:
            continue
        written = "" if repeated else token.replace(_WORD_START, "")
        found.add(written.lower() if letters.lower else written, number, float(sure[number]))
    found.close()
    if not found.words:
        return Heard()
    mean = sum(word.confidence for word in found.words) / len(found.words)
    return Heard(" ".join(w.text for w in found.words), tuple(found.words), round(mean, 4))


class _Words:
    """Puts words together from letters and their frames."""

    def __init__(self, frame: float) -> None:
        self.words: list[Word] = []
        self._frame = frame
        self._text, self._begin, self._end = "", 0, 0
        self._chances: list[float] = []

    def add(self, written: str, frame: int, chance: float) -> None:
        """Take what one frame says: a letter, or nothing new of the last one."""
        if not self._chances:
            self._begin = frame
        self._end = frame + 1
        self._text += written
        self._chances.append(chance)

    def close(self) -> None:
        """End the word, if there is one."""
        if self._text:
            mean = sum(self._chances) / len(self._chances)
            start, end = self._begin * self._frame, self._end * self._frame
            self.words.append(Word(self._text, round(start, 3), round(end, 3), round(mean, 4)))
        self._text = ""
        self._chances.clear()


class Seq2SeqModel:
    """A model that writes text token by token (Whisper, Speech2Text, ...); it tells no times."""

    longest = 10.0
    """Each piece becomes a cue of its own, and no clip may be longer."""

    def __init__(self, files: Files, language: str, device: str, threads: int) -> None:
        """Load it.

        Raises:
            UserError: Files missing, damaged or hostile, or it does not know the language.
        """
        import torch
        from transformers import AutoModelForSpeechSeq2Seq
        from transformers.utils import logging

        logging.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        self._front, self._tokenizer = _front(files), _tokenizer(files)
        _loaded(files, lambda: check_weights(files.folder))
        model, info = _loaded(
            files,
            lambda: AutoModelForSpeechSeq2Seq.from_pretrained(
                files.folder,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
            ),
        )
        if info["missing_keys"]:
            first = sorted(info["missing_keys"])[0]
            count = len(info["missing_keys"])
            raise UserError(f"The weights in `{files.folder}` lack {count} parts, first `{first}`")
        self._model, self._device = model.eval().to(device), device
        self._more = self._language_options(files, language)

    def _language_options(self, files: Files, language: str) -> dict[str, Any]:
        """Return what tells a model of many languages which one is spoken."""
        known = getattr(self._model.generation_config, "lang_to_id", None)
        if not known:
            return {}
        if f"<|{language}|>" not in known:
            raise UserError(
                f"The recogniser `{files.name}` does not know `{language}`",
                "Choose another recogniser for this language",
            )
        return {"language": language, "task": "transcribe"}

    def hear(self, samples: Samples) -> Heard:
        """Return what is said, without times."""
        import torch

        given = self._front(_filled(samples), sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            found = self._model.generate(
                **{k: v.to(self._device) for k, v in given.items()},
                **self._more,
                do_sample=False,
                num_beams=1,
            )
        text = self._tokenizer.decode(found[0], skip_special_tokens=True)
        return Heard(" ".join(text.split()))
