"""What a fine-tuning run is asked to do. Plain data: importing this needs no torch."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from amharic_tts.errors import UserError
from amharic_tts.jobs import memory
from training import config_rules, config_text

PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class FinetuneConfig:
    """One fine-tuning run. The form, the command line, the YAML file and the run share it."""

    # What is learned from.
    dataset: str = ""
    """Name of a dataset in the workspace."""
    base: str = "practice"
    """What to start from: `practice`, `xtts-v2` (downloaded), or a folder with XTTS files."""
    base_revision: str = ""
    """Revision that the downloaded base must be of, such as `v2.0.3`; empty: any."""
    language: str = "am"
    """Language code of the clips, as XTTS writes it."""
    text_mode: str = "letters"
    """What the model reads: the `letters` as written, or the `phonemes` that G2P makes."""
    vocabulary: str = "characters"
    """How the vocabulary grows: a token for each of the language's `characters`, or also `bpe`."""
    new_tokens: int = 0
    """Pieces that `bpe` adds to the characters; 0: all that are seen 20 times, at most 1000."""
    conditioning_from: str = "same"
    """Where the prompt comes from: the `same` clip, an`other` one of the speaker, or `both`."""
    language_sampling: str = "natural"
    """How often each language comes: `natural` (as it is), `balanced`, or `weights`."""
    language_weights: dict[str, float] = field(default_factory=dict)
    """Language -> weight, for language_sampling `weights`; such as ``am=2,en=1``."""
    replay_dataset: str = ""
    """Another dataset that is mixed in, so that what the base can do is not forgotten."""
    replay_share: float = 0.1
    """Share of an epoch's draws that comes from replay_dataset, with language_sampling natural."""

    # How long, how much at a time, how fast.
    steps: int = 200
    """Optimizer steps in all, counted over resumes."""
    batch_size: int = 4
    """Clips in one forward pass."""
    accumulation: int = 1
    """Forward passes that make one optimizer step; the effective batch is their product."""
    effective_batch: int = 0
    """Clips in one optimizer step: accumulation follows from it. 0: batch_size x accumulation."""
    learning_rate: float = 1e-4
    """Peak learning rate of AdamW."""
    warmup_steps: int = 10
    """Steps over which the learning rate rises from zero."""
    schedule: str = "cosine"
    """How the learning rate falls after the warm-up: `cosine`, `linear` or `constant`."""
    optimizer: str = "adamw"
    """`adamw` (fused), or `adamw_8bit`: its moments in 8 bits, with bitsandbytes on a GPU."""
    weight_decay: float = 0.01
    """AdamW weight decay, on the weights of matrices only."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm."""
    label_smoothing: float = 0.0
    """Share of an audio target that is spread over all codes while training."""
    ema_decay: float = 0.0
    """Decay of an average of the trained weights, which is evaluated and exported; 0: off."""

    # What is trained.
    lora_rank: int = 0
    """Rank of LoRA adapters in the blocks, trained in place of the blocks; 0: off."""
    lora_alpha: float = 0.0
    """Scale of the adapters: they are multiplied by alpha / rank. 0: twice the rank."""
    lora_dropout: float = 0.0
    """Dropout before the adapters."""
    lora_targets: str = "all"
    """Matrices with adapters: `attention` (c_attn, c_proj), `mlp` (c_fc, c_proj) or `all`."""
    freeze_blocks: int = 0
    """The first so many blocks of the GPT stay as they are."""
    freeze_conditioning: bool = False
    """The conditioning encoder and its perceiver stay as they are."""
    freeze_embeddings: bool = False
    """The embeddings of text, audio codes and positions stay as they are."""
    dropout: bool = True
    """Keep the base model's dropout while training."""
    attention_dropout: bool = True
    """Keep it on the attention weights too; off, a CPU can run its flash kernel."""

    # Two habits of stock coqui, for comparisons.
    extra_stops: int = 0
    """STOP targets after the first one: 0, or 3 as in stock coqui."""
    hide_text_stop: bool = False
    """Hide the text's STOP from the audio, as stock coqui does in training only."""

    # How it is computed.
    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    attention: str = "auto"
    """`eager`, `sdpa` or `flash_attention_2`; `auto` does what the two switches below say."""
    use_sdpa: bool = True
    """Fast attention: PyTorch's fused scaled-dot-product kernels instead of the plain formula."""
    use_flash_attention: bool = False
    """FlashAttention 2, where a GPU and the package `flash-attn` are there."""
    mixed_precision: str = "auto"
    """`auto` (bf16 where the GPU has it), `no`, `bf16` or `fp16` (GPU only)."""
    tf32: bool = False
    """Products in fp32 are rounded to TF32: faster, on GPUs of sm_80 or newer."""
    use_grad_checkpoint: bool = False
    """Gradient checkpointing: less memory, a little slower."""
    checkpoint_blocks: int = -1
    """With use_grad_checkpoint: the first so many blocks are computed again; -1: all."""
    checkpoint_conditioning: bool = True
    """With use_grad_checkpoint: the conditioning encoder is computed again too."""
    compile: bool = False
    """torch.compile for each block: the first steps take a minute or more."""
    processes: int = 0
    """Processes that train together: 0 takes one for each GPU, and one on a CPU."""
    loader_workers: int = -1
    """Processes that read clips ahead; -1: 2 beside a GPU, none on a CPU."""
    seed: int = 7
    """Seed of the order of the clips, the prompt slices and the new vocabulary rows."""

    # What is looked at and kept.
    eval_every: int = 20
    """Steps between evaluations."""
    save_every: int = 20
    """Steps between checkpoints; each one is evaluated, so that the best one is known."""
    keep_checkpoints: int = 2
    """How many of the last checkpoints stay on disk; the best one stays beside them."""
    early_stop_patience: int = 0
    """Stop after so many evaluations without a lower eval loss; 0: never."""
    sample_every: int = 0
    """Steps between spoken samples; 0: none."""
    sample_texts: tuple[str, ...] = ()
    """What the samples say; on the command line, parted by `|`."""
    report_to_tensorboard: bool = False
    """Write TensorBoard logs into the run's folder."""

    @property
    def wanted_attention(self) -> str:
        """`eager`, `sdpa` or `flash_attention_2`: with `auto` the two switches decide.

        The fastest that is asked for: use_flash_attention, else use_sdpa, else the plain formula.
        """
        if self.attention != "auto":
            return self.attention
        if self.use_flash_attention:
            return "flash_attention_2"
        return "sdpa" if self.use_sdpa else "eager"

    @property
    def lora_scale(self) -> float:
        """What LoRA adapters are multiplied by: alpha / rank; 0 without LoRA."""
        if not self.lora_rank:
            return 0.0
        return (self.lora_alpha or 2.0 * self.lora_rank) / self.lora_rank

    def batch(self, processes: int = 1) -> tuple[int, int]:
        """Return (clips of a forward pass, passes of an optimizer step) in each process.

        With `effective_batch` at most `batch_size` clips, and as many passes as it takes.
        """
        if not self.effective_batch:
            return self.batch_size, self.accumulation
        return memory.split_batch(self.effective_batch, self.batch_size, processes)

    def smaller_batch(self) -> FinetuneConfig:
        """Return the same with at most half as many clips a pass, and as many clips a step.

        So the clips come in the same order. One clip a pass stays one.
        """
        batch, passes = self.batch()
        less, more = memory.split_batch(batch * passes, max(1, batch // 2))
        if self.effective_batch:
            return dataclasses.replace(self, batch_size=less)
        return dataclasses.replace(self, batch_size=less, accumulation=more)

    def problems(self) -> list[str]:
        """Return everything that is wrong with these values, all at once."""
        return config_rules.problems(self)

    def check(self) -> FinetuneConfig:
        """Return self.

        Raises:
            UserError: With all of `problems()` in one message.
        """
        found = self.problems()
        if found:
            raise UserError("This run can't be started:\n" + "\n".join(f"- {p}" for p in found))
        return self

    def to_yaml(self) -> str:
        """Return all fields as YAML, in the order of the class; see also `to_commented_yaml`."""
        return config_text.dumped(dataclasses.asdict(self))

    def to_commented_yaml(self) -> str:
        """Return all fields as YAML, each with what it is."""
        return config_text.commented(yaml.safe_load(self.to_yaml()))


def _convert(key: str, value: Any, kind: type) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "yes", "on", "1"):
            return True
        if str(value).lower() in ("false", "no", "off", "0"):
            return False
        raise UserError(f"{key}: `{value}` is not yes or no")
    if value is None:
        raise UserError(f"{key}: there is no value")
    if kind == tuple[str, ...]:
        return _texts(key, value)
    if kind == dict[str, float]:
        return _weights(key, value)
    return _text(key, value) if kind is str else _number(key, value, kind)


def _text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    # YAML reads an unquoted `no` as False; here it means the word, or Norwegian.
    if value is False and key in ("mixed_precision", "language"):
        return "no"
    raise UserError(f"{key}: YAML reads `{value}` as no text; put it in quotes")


def _number(key: str, value: Any, kind: type) -> float:
    if isinstance(value, int) and not isinstance(value, bool) and kind is int:
        return value
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
        if kind is int and number != int(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        what = "a whole number" if kind is int else "a number"
        raise UserError(f"{key}: `{value}` is not {what}") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise UserError(f"{key}: `{value}` is not a finite number")
    return int(number) if kind is int else number


def _texts(key: str, value: Any) -> tuple[str, ...]:
    """Return a list of YAML, or a string parted by ``|`` or line ends, without empty ones."""
    parts = re.split(r"[|\n]", value) if isinstance(value, str) else value
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    return tuple(text for text in (_text(key, part).strip() for part in parts) if text)


def _weights(key: str, value: Any) -> dict[str, float]:
    """Return a mapping of YAML, or what ``am=2,en=1`` says."""
    if isinstance(value, str):
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        value = {name.strip(): weight for name, _, weight in pairs}
    if not isinstance(value, Mapping):
        raise UserError(f"{key}: `{value}` is not of the form am=2,en=1")
    # YAML reads an unquoted `no`, which is Norwegian, as False.
    names = {name: "no" if name is False else str(name) for name in value}
    return {names[name]: _convert(key, weight, float) for name, weight in value.items()}


def from_mapping(values: Mapping[str, Any], start: FinetuneConfig | None = None) -> FinetuneConfig:
    """Return `start` (the defaults if None) with `values` set, converted to the fields' types.

    Raises:
        UserError: Unknown keys (with the nearest name) and wrong types, all of them at once.
    """
    kinds = get_type_hints(FinetuneConfig)
    converted, found = {}, []
    for key, value in values.items():
        if key not in kinds:
            near = difflib.get_close_matches(key, kinds, 1)
            found.append(
                f"{key}: unknown setting" + (f"; did you mean `{near[0]}`?" if near else "")
            )
            continue
        try:
            converted[key] = _convert(key, value, kinds[key])
        except UserError as error:
            found.append(error.message)
    if found:
        raise UserError("These settings can't be used:\n" + "\n".join(f"- {p}" for p in found))
    return dataclasses.replace(start or FinetuneConfig(), **converted)


def load(path: Path, start: FinetuneConfig | None = None) -> FinetuneConfig:
    """Read a YAML file of settings.

    Raises:
        UserError: The file is missing, is not YAML, or has unknown or wrong settings.
    """
    return from_mapping(config_text.read(path), start)


def parse_assignments(pairs: Sequence[str]) -> dict[str, str]:
    """Return the mapping of ``KEY=VALUE`` strings, as `--set` takes them.

    Raises:
        UserError: A string has no ``=``.
    """
    values = {}
    for pair in pairs:
        key, sep, value = pair.partition("=")
        if not sep:
            raise UserError(f"--set {pair}: write it as KEY=VALUE")
        values[key.strip()] = value.strip()
    return values
