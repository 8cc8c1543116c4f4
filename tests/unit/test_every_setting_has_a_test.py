"""No setting without a test that it changes what the engine does."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest

from training.config import FinetuneConfig

TESTS = Path(__file__).parents[1]
FLAG = "training/test_every_flag.py::"
ATTENTION = "training/test_flag_attention.py::"
CHECKPOINTING = "training/test_flag_checkpointing.py::"
SAMPLING = "training/test_sampling.py::"
TRAINED = "training/test_flag_trained.py::"
EARLY = "training/test_early_stop_run.py::"
SAMPLES = "training/test_samples.py::"
TABLE = {
    "dataset": "unit/test_training_runs.py::test_what_is_missing_is_said_before_a_process_starts",
    "base": "unit/test_training_runs.py::test_what_is_missing_is_said_before_a_process_starts",
    "base_revision": "unit/test_training_runs.py::test_the_base_must_be_of_the_revision_asked_for",
    "language": "unit/test_training_runs.py::"
    "test_the_language_is_the_datasets_unless_another_is_asked_for",
    "text_mode": "training/test_session.py::test_phoneme_mode_adds_the_phones",
    "vocabulary": "training/test_bpe_run.py::test_a_run_with_pieces_becomes_a_voice",
    "new_tokens": "training/test_bpe_run.py::test_a_run_with_pieces_becomes_a_voice",
    "conditioning_from": "training/test_prompts.py::test_conditioning_from",
    "language_sampling": SAMPLING + "test_languages_have_their_share_exactly",
    "language_weights": SAMPLING + "test_languages_have_their_share_exactly",
    "replay_dataset": "training/test_mixture_run.py::test_each_clip_is_read_in_its_own_language",
    "replay_share": SAMPLING + "test_natural_has_every_clip_once_and_a_share_of_the_replay_clips",
    "steps": "training/test_session.py::test_more_steps_go_on_from_the_last",
    "batch_size": FLAG + "test_accumulation_equals_the_larger_batch",
    "accumulation": FLAG + "test_accumulation_equals_the_larger_batch",
    "effective_batch": FLAG + "test_accumulation_follows_from_the_effective_batch",
    "learning_rate": FLAG + "test_schedule_warmup_and_learning_rate",
    "warmup_steps": FLAG + "test_schedule_warmup_and_learning_rate",
    "schedule": FLAG + "test_schedule_warmup_and_learning_rate",
    "optimizer": ATTENTION + "test_optimizer_in_8_bits",
    "weight_decay": FLAG + "test_weight_decay_is_for_weights_only",
    "max_grad_norm": FLAG + "test_max_grad_norm",
    "label_smoothing": TRAINED + "test_label_smoothing_is_for_audio_targets_in_training",
    "ema_decay": TRAINED + "test_the_average_is_what_is_evaluated_and_exported",
    "lora_rank": TRAINED + "test_lora_rank_alpha_dropout_and_seed",
    "lora_alpha": TRAINED + "test_lora_rank_alpha_dropout_and_seed",
    "lora_dropout": TRAINED + "test_lora_rank_alpha_dropout_and_seed",
    "lora_targets": TRAINED + "test_lora_trains_adapters_and_what_new_letters_need",
    "freeze_blocks": TRAINED + "test_frozen_parts_stay_bit_for_bit_and_out_of_the_optimizer",
    "freeze_conditioning": TRAINED + "test_frozen_parts_stay_bit_for_bit_and_out_of_the_optimizer",
    "freeze_embeddings": TRAINED + "test_frozen_parts_stay_bit_for_bit_and_out_of_the_optimizer",
    "dropout": FLAG + "test_dropout",
    "attention_dropout": ATTENTION + "test_attention_dropout",
    "extra_stops": TRAINED + "test_stock_habits",
    "hide_text_stop": TRAINED + "test_stock_habits",
    "device": FLAG + "test_what_can_not_work_here_is_said",
    "attention": ATTENTION + "test_attention_and_use_sdpa",
    "use_sdpa": ATTENTION + "test_attention_and_use_sdpa",
    "use_flash_attention": FLAG + "test_what_can_not_work_here_is_said",
    "mixed_precision": FLAG + "test_mixed_precision",
    "tf32": ATTENTION + "test_tf32",
    "use_grad_checkpoint": CHECKPOINTING + "test_the_gradients_are_the_same_bit_for_bit",
    "checkpoint_blocks": CHECKPOINTING + "test_bytes_kept_for_the_backward_pass",
    "checkpoint_conditioning": CHECKPOINTING + "test_bytes_kept_for_the_backward_pass",
    "compile": ATTENTION + "test_compile",
    "processes": "training/test_two_processes.py::"
    "test_two_processes_train_as_one_on_the_same_clips_a_step",
    "loader_workers": "training/test_mixture_run.py::"
    "test_resumed_it_goes_on_as_if_nothing_had_been",
    "seed": FLAG + "test_seed_changes_the_clips_and_their_prompts",
    "eval_every": FLAG + "test_eval_save_and_keep",
    "save_every": FLAG + "test_eval_save_and_keep",
    "keep_checkpoints": FLAG + "test_eval_save_and_keep",
    "early_stop_patience": EARLY + "test_it_stops_after_the_evaluations_that_the_patience_allows",
    "sample_every": SAMPLES + "test_samples_are_spoken_and_change_no_loss",
    "sample_texts": SAMPLES + "test_samples_are_spoken_and_change_no_loss",
    "report_to_tensorboard": EARLY + "test_tensorboard_logs_hold_the_eval_loss",
}
"""Setting -> file and function of its test."""


def test_every_setting_stands_in_the_table() -> None:
    assert list(TABLE) == [field.name for field in dataclasses.fields(FinetuneConfig)]


@pytest.mark.parametrize("test", sorted(set(TABLE.values())))
def test_the_tests_of_the_table_are_there(test: str) -> None:
    file, _, function = test.partition("::")
    body = ast.parse((TESTS / file).read_text(encoding="utf-8")).body
    assert function in [part.name for part in body if isinstance(part, ast.FunctionDef)]
