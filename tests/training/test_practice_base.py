"""The files of a base, read by stock coqui and by our training; here one with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from random_base import SPEAKER, Shape

from amharic_tts.base_models import catalog, practice
from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.base_models.dvae import load_dvae, new_dvae
from amharic_tts.errors import UserError
from amharic_tts.tokenizer import vocabulary
from training.practice.sound import speech_like


def test_it_has_the_stock_file_set(practice_base: Path) -> None:
    assert sorted(path.name for path in practice_base.iterdir()) == [
        "MODEL_CARD.md",
        "config.json",
        "dvae.pth",
        "mel_stats.pth",
        "model.pth",
        "practice.json",
        "reference.wav",
        "speakers_xtts.pth",
        "vocab.json",
    ]
    assert catalog.check_base(practice_base) == []
    assert "does not speak" in practice.read_note(practice_base)["note"]
    assert practice.is_whole(practice_base)


def test_stock_coqui_loads_it_strictly_and_speaks(practice_base: Path) -> None:
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(practice_base / "config.json")
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=practice_base, eval=True, strict=True)
    size = vocabulary.vocabulary_size(vocabulary.load_vocabulary(practice_base / "vocab.json"))
    assert model.gpt.text_embedding.weight.shape == (size, Shape().width)
    stored = torch.load(practice_base / "mel_stats.pth", weights_only=True)
    assert torch.equal(model.mel_stats, stored)
    speaker = model.speaker_manager.speakers[SPEAKER]
    torch.manual_seed(0)
    result = model.inference(
        "hello.", "en", speaker["gpt_cond_latent"], speaker["speaker_embedding"], max_new_tokens=20
    )
    assert np.isfinite(result["wav"]).all()
    assert 10_000 < len(result["wav"]) < 30_000


def test_the_codec_uses_many_codes(practice_base: Path) -> None:
    from TTS.tts.layers.xtts.dvae import dvae_wav_to_mel

    dvae = load_dvae(practice_base / "dvae.pth")
    stats = torch.load(practice_base / "mel_stats.pth", weights_only=True)
    sound = torch.from_numpy(speech_like(30, seed=99))[None]
    codes = dvae.get_codebook_indices(dvae_wav_to_mel(sound, mel_norms=stats))
    assert len(codes.unique()) >= 100
    assert int(codes.max()) < Shape().codes


def test_the_codec_uses_many_codes_on_recorded_speech(practice_base: Path, ljspeech: Path) -> None:
    import soundfile
    from TTS.tts.layers.xtts.dvae import dvae_wav_to_mel

    dvae = load_dvae(practice_base / "dvae.pth")
    stats = torch.load(practice_base / "mel_stats.pth", weights_only=True)
    used: set[int] = set()
    for path in sorted(ljspeech.glob("*.flac"))[:6]:
        sound = torch.from_numpy(soundfile.read(path, dtype="float32")[0])[None]
        used.update(dvae.get_codebook_indices(dvae_wav_to_mel(sound, mel_norms=stats))[0].tolist())
    assert len(used) >= 50


def test_the_codec_is_read_at_any_width(tmp_path: Path) -> None:
    path = tmp_path / "dvae.pth"
    torch.save(new_dvae(num_tokens=32, codebook_dim=16, hidden_dim=24).state_dict(), path)
    dvae = load_dvae(path)
    assert dvae.codebook.embed.shape == (16, 32)
    assert not dvae.training

    state = torch.load(path, weights_only=True)
    del state["encoder.0.0.weight"]
    torch.save(state, path)
    with pytest.raises(UserError, match="is not the DVAE of an XTTS"):
        load_dvae(path)


def test_a_weights_file_that_carries_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save({"model": {}, "config": Path("hostile")}, path)
    with pytest.raises(UserError, match="holds more than weights"):
        load_model_state(path)


def test_the_released_file_with_its_pickled_configuration_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig

    path = tmp_path / "model.pth"
    with monkeypatch.context() as patch:
        for kind in (XttsArgs, XttsAudioConfig):  # where these classes lived at the release
            patch.setattr(kind, "__module__", "TTS.tts.models.xtts")
        torch.save({"config": XttsConfig(), "model": {"xtts.a": torch.ones(2)}}, path)
    assert load_model_state(path)["a"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("keep", [0, 100, -10])
def test_a_cut_short_weights_file_is_named(practice_base: Path, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "mel_stats.pth"
    path.write_bytes((practice_base / "mel_stats.pth").read_bytes()[:keep])
    with pytest.raises(UserError, match=r"mel_stats\.pth"):
        load_model_state(path)
