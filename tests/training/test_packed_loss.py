"""The packed loss against stock coqui: equal where stock is right, different where it is wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from training_fixtures import small_gpt, small_rows, stock_batch

from training.model import IGNORED, PackedXtts, Row, pack, target_counts

GPT = small_gpt()


def stock(rows: list[Row], **changes: Any) -> tuple[float, float, dict[str, torch.Tensor]]:
    gpt = copy.deepcopy(GPT)
    text, mel, _ = gpt(**{**stock_batch(rows), **changes})
    (0.01 * text + mel).backward()
    return text.item(), mel.item(), _gradients(gpt)


def packed(rows: list[Row], **quirks: Any) -> tuple[float, float, dict[str, torch.Tensor]]:
    model = PackedXtts(copy.deepcopy(GPT))
    out = model(**pack(rows, model.special, **quirks))
    out["loss"].backward()
    return out["loss_text"].item(), out["loss_mel"].item(), _gradients(model.gpt)


def _gradients(gpt: Any) -> dict[str, torch.Tensor]:
    return {n: p.grad for n, p in gpt.named_parameters() if p.grad is not None}


def _difference(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    assert a.keys() == b.keys()
    error = sum((a[k] - b[k]).pow(2).sum() for k in a)
    return float((error / sum(g.pow(2).sum() for g in a.values())).sqrt())


@pytest.mark.parametrize("count", [1, 4])
def test_equals_stock_with_its_two_quirks(count: int) -> None:
    rows = small_rows()[:count]
    text, mel, gradients = stock(rows)
    ours_text, ours_mel, ours = packed(rows, extra_stops=3, mask_text_stop=True)
    assert ours_text == pytest.approx(text, abs=1e-5)
    assert ours_mel == pytest.approx(mel, abs=1e-5)
    assert _difference(gradients, ours) < 1e-5


def test_without_the_quirks_there_is_one_stop_and_the_text_stop_is_seen() -> None:
    rows = small_rows()[:1]
    _, stock_mel, _ = stock(rows)
    _, one_stop, _ = packed(rows, mask_text_stop=True)
    _, visible, _ = packed(rows, extra_stops=3)
    assert abs(one_stop - stock_mel) > 1e-3
    assert 0 < abs(visible - stock_mel) < 0.1
    special = PackedXtts(copy.deepcopy(GPT)).special
    batch = pack(rows, special)
    assert batch["labels"].tolist().count(special.mel_stop) == 1
    assert batch["labels"].tolist()[-1] == special.mel_stop


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    rows = small_rows()
    model = PackedXtts(copy.deepcopy(GPT))
    _, together = model.logits(pack(rows, model.special))
    first = 0
    for row in rows:
        _, alone = model.logits(pack([row], model.special))
        assert torch.allclose(together[first : first + len(alone)], alone, atol=1e-5)
        first += len(alone)


def test_the_prompt_is_ignored_in_every_row_where_stock_ignores_other_targets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = small_rows(prompts=True)
    lengths = [len(row.codes) for row in rows]
    batch = pack(rows, PackedXtts(copy.deepcopy(GPT)).special)
    ours = [
        [i for i, label in enumerate(part.tolist()) if label == IGNORED]
        for part in batch["labels"].split([n + 1 for n in lengths])
    ]
    assert ours == [list(range(3, 3 + n // 2)) for n in lengths]

    ignored: list[Any] = []
    plain = torch.nn.functional.cross_entropy

    def spy(logits: Any, targets: Any, **kwargs: Any) -> Any:
        ignored.append(targets == kwargs["ignore_index"])
        return plain(logits, targets, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", spy)
    spans = torch.tensor([[1024 * a, 1024 * b] for a, b in (row.prompt or (0, 0) for row in rows)])
    stock(rows, cond_idxs=spans)
    mel = ignored[1]
    inside = [mel[i, : lengths[i]].nonzero().flatten().tolist() for i in range(4)]
    assert inside[:3] == [[], [], []]  # none of the prompt in all rows but the last
    assert inside[3] == list(range(12, 66))  # and there at the wrong stride


def test_every_row_has_targets_that_count_even_if_its_prompt_is_all_of_it() -> None:
    rows = [
        Row(r.clip, r.text, r.codes, r.cond_mel, (0, len(r.codes) + 5)) for r in small_rows()[:2]
    ]
    model = PackedXtts(copy.deepcopy(GPT))
    batch = pack(rows, model.special)
    assert target_counts(batch).tolist() == [30 + 1 + 7 + 1, 2]
    assert torch.isfinite(model(**batch)["loss"])


def test_counts_of_the_whole_step_make_two_halves_equal_to_one_batch() -> None:
    rows = small_rows(prompts=True)
    model = PackedXtts(copy.deepcopy(GPT))
    counts = target_counts(pack(rows, model.special))
    whole = model(**pack(rows, model.special))["loss"]
    halves = [model(counts, **pack(part, model.special))["loss"] for part in (rows[:1], rows[1:])]
    assert sum(halves).item() == pytest.approx(whole.item(), abs=1e-5)


def test_no_mask_is_passed_to_the_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, bool]] = []
    plain = torch.nn.functional.scaled_dot_product_attention

    def spy(query: Any, key: Any, value: Any, attn_mask: Any = None, **kwargs: Any) -> Any:
        seen.append((attn_mask, kwargs.get("is_causal", False)))
        return plain(query, key, value, attn_mask=attn_mask, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    model = PackedXtts(copy.deepcopy(GPT))
    model.logits(pack(small_rows(), model.special))
    assert [call for call in seen if call[1]] == [(None, True)] * 3


def test_names_of_the_parameters_are_those_of_the_release() -> None:
    ours = PackedXtts(copy.deepcopy(GPT)).state_dict()
    assert set(ours) == {f"gpt.{name}" for name in GPT.state_dict()}
