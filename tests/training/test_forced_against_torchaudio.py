"""Our forced alignment beside torchaudio's, and our feature errors beside panphon's."""

from __future__ import annotations

import numpy as np
import pytest

from amharic_tts.phonemes.features import feature_errors
from amharic_tts.phonemes.forced import best_path

WORDS = [("tʰɛst", "tɛst"), ("həloʊ", "ɛlo"), ("səlam", "zəlab"), ("t͡ʃɪp", "ʃip"), ("a", "")]


def test_paths_score_as_torchaudios() -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchaudio.functional")
    rng = np.random.default_rng(1)
    for _ in range(20):
        frames, count = int(rng.integers(20, 60)), int(rng.integers(1, 9))
        raw = torch.tensor(rng.normal(size=(frames, 6)) * 2, dtype=torch.float32)
        scores = torch.log_softmax(raw, dim=1)
        labels = rng.integers(1, 6, count)
        theirs, _ = functional.forced_align(scores[None], torch.tensor(labels)[None], blank=0)
        mine = scores.numpy()
        states = best_path(mine, labels, mine[:, 0])
        ours = np.where(states % 2, labels[np.minimum(states // 2, count - 1)], 0)
        at = np.arange(frames)
        assert mine[at, ours].sum() == pytest.approx(mine[at, theirs[0].numpy()].sum(), abs=1e-3)


def test_feature_errors_are_panphons() -> None:
    panphon = pytest.importorskip("panphon.distance").Distance()
    for wanted, heard in WORDS:
        segments = panphon.fm.ipa_segs(wanted), panphon.fm.ipa_segs(heard)
        theirs = panphon.hamming_feature_edit_distance(wanted, heard)
        assert feature_errors(*segments) == (pytest.approx(theirs), len(segments[0]))
