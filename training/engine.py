"""The training loop: ``transformers.Trainer`` around the packed XTTS loss.

Six of the Trainer's private methods are overridden, which is why transformers is pinned to its
minor version: `_get_num_items_in_batch` (we count text and audio targets apart),
`_get_train_sampler` (our order is a function of seed and epoch), `_get_eval_sampler` (over several
processes every clip still counts once), `_get_dataloader` (workers are ended), `_save` and
`_load_from_checkpoint` (the average of the weights goes with them).
"""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.pytorch_utils import Conv1D
from transformers.trainer_utils import EvalLoopOutput

from amharic_tts.errors import StudioError
from training import decisions_data
from training.checkpoints import MODEL, Checkpoints
from training.config import FinetuneConfig
from training.data import ClipDataset, Collator
from training.early_stop import StopEarly
from training.effective import Plan
from training.ema import Average, KeepAverage
from training.model import PackedXtts, target_counts
from training.ranks import Ranks
from training.report import Emit, KeepCheckpoints, SetEpoch, TellEvents
from training.sampling import GroupedSampler, InOrder
from training.stopping import StopAsked, StopSwitch

LOGGED_STEPS = 2000
"""A run logs at most about so many steps; longer ones log the mean of several."""
_SCHEDULES = {
    "cosine": "cosine",
    "linear": "linear",
    "constant": "constant_with_warmup",
}


class XttsTrainer(Trainer):
    """A Trainer that knows clips, two losses and their token counts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ranks = Ranks()
        self.sampler: GroupedSampler | None = None
        self._parts: dict[str, Tensor] = {}
        self._parts_from = 0
        self._totals: Tensor | None = None
        self.replayed: ClipDataset | None = None
        """Clips of the replay dataset for evaluation, where there are any."""
        self._replay_loader: Any = None
        self._loaders: list[Any] = []
        self.average: Average | None = None
        """Of the trained weights, where there is one: evaluated and saved beside them."""
        self.remove_callback(PrinterCallback)

    def _get_train_sampler(self, train_dataset: Any = None) -> GroupedSampler:
        dataset: ClipDataset = train_dataset or self.train_dataset
        size = self.args.train_batch_size * self.args.world_size
        step = size * self.args.gradient_accumulation_steps
        multiple = size if self.args.world_size > 1 else 1
        self.sampler = GroupedSampler(
            dataset.lengths, step, self.args.seed, multiple, dataset.pools
        )
        return self.sampler

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train, and end the loaders' workers.

        Left to the garbage collector, each is waited for 5 s: it finalises their queues first, so
        that they are never told.
        """
        try:
            return super().train(*args, **kwargs)
        finally:
            for loader in self._loaders:
                loader.base_dataloader._iterator = None

    def _get_dataloader(self, *args: Any, **kwargs: Any) -> Any:
        loader = super()._get_dataloader(*args, **kwargs)
        self._loaders.append(loader)
        return loader

    def get_train_dataloader(self) -> Any:
        """Return the loader; what seeds its workers must not come out of dropout's numbers.

        Else a run that is resumed, and so starts workers once more, would drop out others.
        """
        loader: Any = super().get_train_dataloader()
        if self.args.dataloader_num_workers:
            loader.base_dataloader.generator = torch.Generator().manual_seed(self.args.seed)
        return loader

    def _get_eval_sampler(self, eval_dataset: Any) -> InOrder:
        size = self.args.eval_batch_size * self.args.world_size
        return InOrder(eval_dataset.lengths, size if self.args.world_size > 1 else 1)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> Any:
        """Return (2,) text and audio targets of an optimizer step, over all processes.

        They are gathered always: after an evaluation the model is still in evaluation mode when
        the next step's counts are taken, so gathering "only in training" would double that step.
        """
        if not batch_samples:
            return None
        counts = torch.stack([target_counts(batch) for batch in batch_samples]).sum(0).to(device)
        if self.args.world_size > 1:
            counts = self.accelerator.gather(counts[None]).sum(0)
        return counts

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Any:
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        if model.training:
            if not self._parts:
                self._parts_from = self.state.global_step
            for name in ("loss_text", "loss_mel"):
                self._parts[name] = self._parts.get(name, 0) + outputs[name]
        else:
            totals = outputs["totals"].double()
            self._totals = totals if self._totals is None else self._totals + totals
        return (loss, outputs) if return_outputs else loss

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | None = None
    ) -> Tensor:
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        if self.ranks.any(not bool(torch.isfinite(loss))):
            here = [] if bool(torch.isfinite(loss)) else inputs["clip"].tolist()
            there = [i for found in self.ranks.gather(here) for i in found]
            clips = [self.train_dataset.clips[i].id for i in there]
            raise StudioError(
                f"The loss of step {self.state.global_step + 1} is not a number; "
                f"its clips are {', '.join(f'`{name}`' for name in clips)}",
                "Listen to these clips, or lower learning_rate "
                f"(it is {self.args.learning_rate:g}), then resume from the last checkpoint",
            )
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs and self._parts:
            steps = max(1, self.state.global_step - self._parts_from)
            for name, total in self._parts.items():
                # Each process holds its share of the step's mean.
                logs[name] = self.accelerator.reduce(total / steps, "sum").item()
            self._parts = {}
        super().log(logs, start_time)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Evaluate on the dataset and then, by itself, on the replay dataset.

        Its ``eval_loss_replay`` tells what is forgotten; it chooses no checkpoint.
        """
        metrics: dict[str, float] = super().evaluate(*args, **kwargs)
        if self.replayed is None or "eval_loss" not in metrics:
            return metrics
        if self._replay_loader is None:  # the Trainer itself keeps one for evaluation only
            self._replay_loader = self._get_dataloader(
                self.replayed, "Evaluation", self.args.eval_batch_size, self._get_eval_sampler
            )
        found = self.evaluation_loop(self._replay_loader, "", prediction_loss_only=True)
        if found.metrics:
            judged = {"eval_loss_replay": found.metrics["eval_loss"]}
            self.log(judged)
            metrics.update(judged)
        return metrics

    def evaluation_loop(
        self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any
    ) -> EvalLoopOutput:
        """Evaluate with a mean over tokens, whatever the batch size, and disturb no random state.

        The average of the weights is judged where there is one. A stop request ends it early; the
        metrics are then left out.
        """
        self._totals = None
        devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        judged = self.average.applied() if self.average else nullcontext()
        with torch.random.fork_rng(devices), judged:
            try:
                output = super().evaluation_loop(
                    *args, metric_key_prefix=metric_key_prefix, **kwargs
                )
            except StopAsked:
                return EvalLoopOutput(None, None, {}, 0)
        if self._totals is not None:
            totals = self.accelerator.reduce(self._totals, "sum").tolist()
            text, mel = totals[0] / totals[2], totals[1] / totals[3]
            model = self.accelerator.unwrap_model(self.model)
            loss = model.text_weight * text + model.mel_weight * mel
            metrics = {"loss": loss, "loss_text": text, "loss_mel": mel}
            output.metrics.update({f"{metric_key_prefix}_{k}": v for k, v in metrics.items()})
        return output

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        if self.average and self.args.should_save:
            self.average.save(Path(output_dir or self.args.output_dir))

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: nn.Module | None = None
    ) -> None:
        folder = Path(resume_from_checkpoint)
        # The Trainer loads what fits and leaves the rest as it is.
        with safe_open(folder / MODEL, framework="pt") as weights:
            other = set(weights.keys()) ^ set((model or self.model).state_dict())
        if other:
            raise StudioError(
                f"`{folder.name}` is of another model: {len(other)} weights are on one side only, "
                f"such as `{min(other)}`",
                "Put config.yaml back as it was when the run began, or begin a new run",
            )
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self.average:
            self.average.load(folder)

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """Decay weights only, not embeddings, norms and biases: coqui's rule for XTTS."""
        weighted = (nn.Linear, nn.Conv1d, Conv1D)
        return [
            f"{name}.weight" for name, part in model.named_modules() if isinstance(part, weighted)
        ]


def arguments(
    config: FinetuneConfig, plan: Plan, checkpoints: Checkpoints, processes: int = 1
) -> TrainingArguments:
    """Return the Trainer's arguments for a run.

    Those that are not plain choices, each found out the hard way: `remove_unused_columns` would
    drop all of the batch; without `label_names` there is silently no eval loss; the nan filter
    would hide a NaN behind the mean of older losses; `drop_last` would skip clips.
    """
    workers = decisions_data.loader(config, plan.device)
    batch, passes = config.batch(processes)
    return TrainingArguments(
        output_dir=str(checkpoints.writing),
        use_cpu=plan.device == "cpu",
        per_device_train_batch_size=batch,
        per_device_eval_batch_size=batch,
        gradient_accumulation_steps=passes,
        max_steps=config.steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=_SCHEDULES[config.schedule],
        warmup_steps=config.warmup_steps,
        optim=plan.optimizer,
        adam_beta2=0.96,  # coqui's recipe for XTTS
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        bf16=plan.precision == "bf16",
        fp16=plan.precision == "fp16",
        logging_steps=max(1, config.steps // LOGGED_STEPS),
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=config.eval_every,
        save_strategy="steps",
        save_steps=config.save_every,
        save_total_limit=None,  # `Checkpoints` keeps the last ones and the best
        remove_unused_columns=False,
        label_names=["labels"],
        prediction_loss_only=True,
        dataloader_drop_last=False,
        dataloader_pin_memory=plan.device == "cuda",
        dataloader_num_workers=int(workers.used),
        dataloader_persistent_workers=int(workers.used) > 0,
        ddp_find_unused_parameters=False,
        report_to="none",
        disable_tqdm=True,
        seed=config.seed,
        **_checkpointing(plan.checkpointing),
    )


def _checkpointing(wanted: bool) -> dict[str, Any]:
    """Return the Trainer's arguments by the name that this transformers has for them.

    Python 3.10 can have transformers 5.20 at most, which knows only the older name.
    """
    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    new, old = "activation_checkpointing", "gradient_checkpointing"
    name = new if new in known else old
    return {name: wanted, f"{name}_kwargs": {"use_reentrant": False} if wanted else None}


def build_trainer(
    config: FinetuneConfig,
    plan: Plan,
    model: PackedXtts,
    data: tuple[ClipDataset, ClipDataset | None],
    checkpoints: Checkpoints,
    emit: Emit,
    stop: StopSwitch,
    ranks: Ranks | None = None,
) -> tuple[XttsTrainer, KeepCheckpoints]:
    """Return the trainer of a run, and the callback that knows whether it was stopped."""
    train, evaluation = data
    ranks = ranks or Ranks()
    args = arguments(config, plan, checkpoints, ranks.size)
    if evaluation is None:
        args.eval_strategy = "no"
    keeper = KeepCheckpoints(
        checkpoints,
        config.keep_checkpoints,
        stop,
        model,
        evaluation is not None,
        ranks,
        config.ema_decay > 0,
    )
    patience = config.early_stop_patience
    early = [StopEarly(patience, keeper)] if patience else []
    trainer = XttsTrainer(
        model=model,
        args=args,
        data_collator=Collator(model.special, config.extra_stops, config.hide_text_stop),
        train_dataset=train,
        eval_dataset=evaluation,
        callbacks=[*early, keeper, TellEvents(emit)],
    )
    trainer.ranks = ranks
    trainer.add_callback(SetEpoch(lambda: trainer.sampler))
    if config.ema_decay:  # now that the weights are on their device
        trainer.average = Average(model, config.ema_decay)
        trainer.add_callback(KeepAverage(trainer.average))
    return trainer, keeper
