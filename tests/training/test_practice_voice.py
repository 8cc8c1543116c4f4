"""The built-in voice speaks without any training; its decoder runs without the zeros in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import random_networks
import soundfile
import torch

from amharic_tts.base_models import packed, practice
from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.errors import UserError
from amharic_tts.synthesis import loading
from amharic_tts.synthesis.loading import load_model
from amharic_tts.synthesis.practice_voice import make_ready
from amharic_tts.synthesis.voices import check_voice
from amharic_tts.tokenizer.settings import TextSettings, current
from amharic_tts.workspace import Workspace


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ready(tmp_path_factory.mktemp("bases") / "practice")


def test_the_unpacked_base_is_a_voice(ready: Path) -> None:
    voice, told = check_voice(ready), packed.describe()
    assert voice.settings == current(told["language"], told["text_mode"])
    assert voice.note == told["note"]
    assert voice.manifest == {"base": "practice", "weights": told["sha256"]}
    assert practice.is_whole(ready)


def test_it_is_made_ready_once(ready: Path) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in ready.iterdir()}
    make_ready(ready)
    assert {path: path.stat().st_mtime_ns for path in ready.iterdir()} == stamps


@pytest.mark.parametrize("change", ["older", "damaged", "missing"])
def test_its_text_settings_follow_the_installation(ready: Path, change: str) -> None:
    path = ready / "voice.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    model = (ready / "model.pth").stat().st_mtime_ns
    if change == "older":
        body["text"]["normalizer"] = "0"
        path.write_text(json.dumps(body))
    elif change == "damaged":
        path.write_text("{")
    else:
        path.unlink()
    make_ready(ready)
    told = packed.describe()
    assert check_voice(ready).settings == current(told["language"], told["text_mode"])
    assert (ready / "model.pth").stat().st_mtime_ns == model  # the weights are not written again


def test_stock_coqui_loads_the_unpacked_base_strictly_and_speaks(ready: Path) -> None:
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(ready / "config.json")
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=ready, eval=True, strict=True)
    speaker = model.speaker_manager.speakers[practice.read_note(ready)["speakers"][0]]
    latents = speaker["gpt_cond_latent"], speaker["speaker_embedding"]
    result = model.inference("hello.", "en", *latents, max_new_tokens=8)
    assert np.isfinite(result["wav"]).all() and len(result["wav"]) > 1000


def test_our_engine_leaves_the_zeros_out_and_computes_the_same(practice_voice: Path) -> None:
    """An exported voice: nothing in it says that its decoder is narrow."""
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    state = load_model_state(practice_voice / "model.pth")
    files = practice_voice / "config.json", practice_voice / "vocab.json"
    ours = load_model(*files, check_voice(practice_voice).settings, state)
    config = XttsConfig()
    config.load_json(files[0])
    stock = Xtts(config)
    stock.load_checkpoint(config, checkpoint_dir=practice_voice, eval=True, strict=True)
    sizes = [sum(p.numel() for p in model.hifigan_decoder.parameters()) for model in (ours, stock)]
    assert sizes[0] < sizes[1] / 15
    draw = torch.Generator().manual_seed(0)
    latents = torch.randn(1, 7, 128, generator=draw)
    clip = torch.from_numpy(soundfile.read(practice_voice / "reference.wav", dtype="float32")[0])
    with torch.inference_mode():
        voices = [model.get_speaker_embedding(clip[None], 22050) for model in (ours, stock)]
        sounds = [model.hifigan_decoder(latents, g=voices[0]) for model in (ours, stock)]
    for one, other in (voices, sounds):
        assert float((one - other).abs().max() / other.abs().max()) < 1e-5


def test_residual_blocks_that_add_nothing_are_left_out_and_nothing_changes() -> None:
    generator = random_networks.generator(16)
    state = generator.state_dict()
    for number in (0, 5, 7, 8):  # blocks of three kernels in each of four stages
        for key in [key for key in state if key.startswith(f"resblocks.{number}.")]:
            state[key] = torch.full_like(state[key], float(key.endswith("original1")))
    generator.load_state_dict(state)
    given = torch.randn(1, 32, 5), torch.randn(1, 512, 1)
    with torch.no_grad():
        expected = generator(*given)
        loading._leave_out_idle_blocks(generator)
        heard = generator(*given)
    kinds = [type(block).__name__ for block in generator.resblocks]
    assert [number for number, kind in enumerate(kinds) if kind == "Identity"] == [5, 7, 8]
    assert torch.equal(heard, expected) and float(heard.std()) > 1e-3


def test_weights_of_another_network_are_refused(practice_voice: Path) -> None:
    state = load_model_state(practice_voice / "model.pth")
    key = "hifigan_decoder.waveform_decoder.ups.1.bias"
    settings = TextSettings("am")
    for bad in ({**state, key: torch.zeros(5)}, {k: v for k, v in state.items() if k != key}):
        with pytest.raises(UserError, match="The weights do not fit"):
            load_model(practice_voice / "config.json", practice_voice / "vocab.json", settings, bad)


def test_the_command_speaks_without_any_training(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "hello.wav"
    command = [sys.executable, "-m", "amharic_tts", "--workspace", str(workspace.root), "speak"]
    command += ["--voice", "practice", "--language", "en", "--text", "Hello.", "--out", str(out)]
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert (result["language"], result["note"]) == ("en", packed.describe()["note"])
    samples, rate = soundfile.read(out)
    assert rate == 24000 and len(samples) > 1000 and np.isfinite(samples).all()
    assert "Unpacking the practice voice" in ended.stderr
    assert practice.is_whole(workspace.bases / "practice")
