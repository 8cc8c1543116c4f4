"""The recipe of the practice base: each stage on a few seconds of sound, and all of it at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from training.practice import assemble, decoder, reader, teacher, voices, weights
from training.practice.build import CHAINS, FIRST, LAST, Build, Plan, encoders
from training.practice.clock import Sitting

STAGES = ("speak", "codec", "listener", "encode", "voices", "reader", "latents", "decoder")
SMALL = Plan(hours=0.001, voices=2, words=8, sentences=8, clips_for_decoder=12)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a build with all stages run for a few steps."""
    made = Build(tmp_path_factory.mktemp("build"), SMALL)
    for stage in STAGES:
        getattr(made, stage)()
    return made


def test_every_stage_is_in_the_chains() -> None:
    assert sorted([*FIRST, *CHAINS[0], *CHAINS[1], *LAST]) == sorted(STAGES)


def test_clips_are_spoken_once_and_found_again(build: Build) -> None:
    library = teacher.Library(build.clips)
    assert {clip.voice for clip in library.clips} == {
        voice.name for voice in voices.heard(SMALL.voices, SMALL.seed)
    }
    assert {clip.language for clip in library.clips} == {"am", "en"}
    sound = library.sound(library.clips[0])
    assert 0.2 < len(sound) / 22050 < 8
    assert 0.05 < np.abs(sound).max() <= 1
    before = (build.clips / "0000.npy").stat().st_mtime_ns
    build.speak()
    assert (build.clips / "0000.npy").stat().st_mtime_ns == before


def test_rows_of_a_batch_share_prompts_by_voice(build: Build) -> None:
    rows = build.readings()
    prompts = reader.Prompts(teacher.Library(build.clips), rows, build.trained_codec()[1])
    feed = reader.Feed(rows, prompts, build.trained_reader().special)
    batches = list(feed.epoch(np.random.default_rng(0), short=False))
    for batch in batches:
        assert len(batch["clip"]) == reader.GROUP * len(batch["cond_mel"])
    assert sum(len(batch["clip"]) for batch in batches) >= len(rows) - 2 * reader.GROUP
    short = list(feed.epoch(np.random.default_rng(0), short=True))
    longest = max(int((batch["mel_positions"]).max()) for batch in short)
    assert longest <= 34


def test_latents_are_those_that_coqui_decodes(build: Build) -> None:
    rows, model = build.readings()[:2], build.trained_reader()
    prompts = reader.Prompts(teacher.Library(build.clips), rows, build.trained_codec()[1])
    mel = prompts.draw(rows[0].voice, 30000, False, np.random.default_rng(0))
    ours = reader.latents(model, rows, mel)
    for row, found in zip(rows, ours, strict=True):
        codes = torch.tensor([[*row.codes.tolist(), model.special.mel_stop]])
        tokens = torch.tensor([row.tokens[0]])
        with torch.inference_mode():
            stock = model.gpt(
                tokens,
                torch.tensor([tokens.shape[-1]]),
                codes,
                torch.tensor([codes.shape[-1] * 1024]),
                cond_latents=model.gpt.get_style_emb(mel[None]).transpose(1, 2),
                return_latent=True,
            )
        torch.testing.assert_close(found, stock[0], atol=2e-5, rtol=1e-4)


def test_a_decoder_with_blocks_left_out_is_the_full_one_with_zeros() -> None:
    torch.manual_seed(0)
    narrow, full = decoder.new_decoder(16).eval(), decoder.full_decoder(16).eval()
    full.load_state_dict(decoder.full_state(narrow, 16))
    given, voice = torch.randn(1, 16, 9), torch.randn(1, 512, 1)
    with torch.inference_mode():
        torch.testing.assert_close(narrow(given, voice), full(given, voice), atol=1e-6, rtol=1e-5)


def test_a_stage_goes_on_where_it_was(tmp_path: Path) -> None:
    first = Sitting(tmp_path / "one.pth", torch.nn.Linear(3, 1), 100, 1e-2)
    for _ in range(3):
        first.update(first.model(torch.ones(2, 3)).pow(2).sum())
    first.save()
    second = Sitting(tmp_path / "one.pth", torch.nn.Linear(3, 1), 100, 1e-2)
    assert second.step == 3
    assert second.clock.gone >= first.clock.spent
    torch.testing.assert_close(second.model.weight, first.model.weight)


def test_the_learning_rate_warms_up_and_falls(tmp_path: Path) -> None:
    clock = Sitting(tmp_path / "none.pth", torch.nn.Linear(1, 1), 100, 1.0).clock
    assert clock.rate(0, 1.0) == pytest.approx(0.01, abs=1e-3)
    assert clock.rate(500, 1.0) == pytest.approx(1.0, abs=1e-2)
    clock.spent = 100
    assert clock.rate(500, 1.0) == pytest.approx(0.02)


def test_texts_have_tokens_in_every_way_of_writing() -> None:
    for language, ways in encoders().items():
        for encoder in ways:
            assert encoder.unknown("ሰላም ዓለም።" if language == "am" else "Hello, world.") == []


def test_the_stages_make_a_base_whose_parts_fit(build: Build) -> None:
    made = assemble.parts(build, "# card")
    weights.check(made)
    assert list(made.speakers) == [v.name for v in voices.heard(SMALL.voices, SMALL.seed)]
    assert 5 < len(made.reference) / 22050 < 15
    state = made.model_state()
    assert state["hifigan_decoder.waveform_decoder.conv_pre.weight"].shape == (512, reader.DIM, 7)
    key = "gpt.mel_head.weight"
    torch.testing.assert_close(state[key], build.trained_reader().state_dict()[key])
