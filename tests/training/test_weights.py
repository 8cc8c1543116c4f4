from __future__ import annotations

from pathlib import Path

import pytest
import torch

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.errors import StudioError
from amharic_tts.tokenizer.weights import EMBEDDING, HEAD_BIAS, HEAD_WEIGHT, extend_state


def state(rows: int = 20, width: int = 8) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        EMBEDDING: torch.randn(rows, width, generator=generator) * 0.02,
        HEAD_WEIGHT: torch.randn(rows, width, generator=generator) * 0.02,
        HEAD_BIAS: torch.randn(rows, generator=generator),
        "gpt.final_norm.weight": torch.ones(width),
    }


def test_old_rows_stay_bit_for_bit_and_new_ones_lie_near_their_mean() -> None:
    old = state()
    new = extend_state(old, 20, 320, seed=3)
    for key in (EMBEDDING, HEAD_WEIGHT, HEAD_BIAS):
        assert new[key].shape[0] == 320
        assert torch.equal(new[key][:20], old[key])
    assert new["gpt.final_norm.weight"] is old["gpt.final_norm.weight"]
    for key in (EMBEDDING, HEAD_WEIGHT):
        distance = (new[key][20:] - old[key].mean(0)).abs()
        assert float(distance.max()) < 0.3 * float(old[key].std())
        assert float(distance.min(1).values.max()) > 0  # no two new rows are the same
    assert torch.allclose(new[HEAD_BIAS][20:], old[HEAD_BIAS].mean())


def test_the_noise_follows_the_seed() -> None:
    first, again, other = (extend_state(state(), 20, 25, seed=s) for s in (3, 3, 4))
    assert torch.equal(first[EMBEDDING], again[EMBEDDING])
    assert not torch.equal(first[EMBEDDING], other[EMBEDDING])


def test_nothing_new_changes_nothing() -> None:
    old = state()
    assert all(torch.equal(old[key], value) for key, value in extend_state(old, 20, 20, 0).items())


def test_a_model_of_another_vocabulary_is_refused() -> None:
    with pytest.raises(StudioError, match=r"has 20 rows in .*, its vocabulary 21 tokens"):
        extend_state(state(), 21, 30, seed=0)
    with pytest.raises(StudioError, match="it is not an XTTS model"):
        extend_state({}, 20, 30, seed=0)


def test_logits_of_old_tokens_do_not_change(practice_base: Path) -> None:
    old = load_model_state(practice_base / "model.pth")
    rows = old[EMBEDDING].shape[0]
    new = extend_state(old, rows, rows + 400, seed=0)
    hidden = torch.randn(5, old[EMBEDDING].shape[1])
    before = hidden @ old[HEAD_WEIGHT].T + old[HEAD_BIAS]
    after = hidden @ new[HEAD_WEIGHT].T + new[HEAD_BIAS]
    assert torch.allclose(before, after[:, :rows], atol=1e-6)
