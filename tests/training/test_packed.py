"""The packed practice base: written, read, unpacked, and refused when it is damaged."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from random_base import SPEAKER, Shape, random_parts

from amharic_tts.base_models import catalog, packed, practice
from amharic_tts.base_models.checkpoint import load_model_state, load_tensors
from amharic_tts.base_models.dvae import load_dvae
from amharic_tts.base_models.practice_parts import Parts
from amharic_tts.base_models.widths import CODEC, DECODER, LISTENER
from amharic_tts.errors import StudioError, UserError
from amharic_tts.tokenizer.practice import practice_base_vocabulary
from amharic_tts.tokenizer.vocabulary import vocabulary_hash
from training.practice.weights import pack

TINY = Shape(width=32, layers=1, heads=2, codes=64, codec=16, decoder=16, filters=(8,) * 4, sound=4)


@pytest.fixture(scope="module")
def parts() -> Parts:
    return random_parts(TINY)


@pytest.fixture(scope="module")
def weights(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "small.safetensors.xz"
    pack(parts, path)
    return path


@pytest.fixture(scope="module")
def base(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return practice.build(tmp_path_factory.mktemp("unpacked") / "practice", weights)


@pytest.fixture
def copied(weights: Path, tmp_path: Path) -> Path:
    for path in weights.parent.iterdir():
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / weights.name


def test_what_is_packed_is_read_again_in_half_precision(parts: Parts, weights: Path) -> None:
    again = packed.read(weights)
    for name, network in parts.networks.items():
        found = again.networks[name]
        assert found.keys() == network.keys()
        for key, value in network.items():
            halved = value.ndim > 1 and value.numel() >= 1024 and ".torch_spec" not in f".{key}"
            expected = value.half() if halved else value
            assert found[key].dtype == expected.dtype and torch.equal(found[key], expected), key
    assert torch.equal(again.mel_stats, parts.mel_stats)
    assert again.speakers.keys() == parts.speakers.keys() == {SPEAKER}
    assert np.abs(again.reference - parts.reference).max() < 1e-4  # 16 bits
    for name in ("config", "vocabulary", "language", "text_mode", "note", "card"):
        assert getattr(again, name) == getattr(parts, name), name


def test_packing_the_same_gives_the_same_bytes(parts: Parts, weights: Path, tmp_path: Path) -> None:
    told = pack(parts, tmp_path / "again.xz")
    assert (tmp_path / "again.xz").read_bytes() == weights.read_bytes()
    assert told == packed.describe(tmp_path / "again.xz") == packed.describe(weights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.json", "again.xz"]


def test_an_unpacked_base_has_coquis_widths_and_our_engine_the_narrow_ones(base: Path) -> None:
    assert catalog.check_base(base) == []
    state = load_model_state(base / "model.pth")
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float32}
    for layout, prefix in ((DECODER, "waveform_decoder."), (LISTENER, "speaker_encoder.")):
        start = f"hifigan_decoder.{prefix}"
        own = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
        assert layout.widths(own) == layout.stock
    assert CODEC.widths(load_tensors(base / "dvae.pth")) == CODEC.stock
    assert CODEC.widths(load_dvae(base / "dvae.pth").state_dict()) == {"hidden": 16, "code": 16}
    assert soundfile.info(base / "reference.wav").samplerate == 22050


def test_it_is_reused_when_whole_and_set_aside_when_not(
    base: Path, weights: Path, tmp_path: Path
) -> None:
    stamp = (base / "model.pth").stat().st_mtime_ns
    assert practice.build(base, weights) == base
    assert (base / "model.pth").stat().st_mtime_ns == stamp

    broken = tmp_path / "practice"
    broken.mkdir()
    (broken / "mine.txt").write_text("keep me")
    practice.build(broken, weights)
    assert practice.is_whole(broken, weights)
    (old,) = tmp_path.glob("practice.old-*")
    assert (old / "mine.txt").read_text() == "keep me"
    for path in base.iterdir():
        assert (broken / path.name).read_bytes() == path.read_bytes(), path.name
    (broken / "vocab.json").write_bytes(b"short")
    assert not practice.is_whole(broken, weights)


def test_a_base_of_other_weights_is_not_taken_for_this_one(base: Path, copied: Path) -> None:
    told = json.loads((copied.parent / "small.json").read_text())
    (copied.parent / "small.json").write_text(json.dumps({**told, "sha256": "another"}))
    assert not practice.is_whole(base, copied)


def test_a_damaged_file_is_refused_and_leaves_nothing(copied: Path, tmp_path: Path) -> None:
    body = bytearray(copied.read_bytes())
    body[len(body) // 2] ^= 1
    copied.write_bytes(bytes(body))
    with pytest.raises(UserError, match="is damaged: it has") as caught:
        practice.build(tmp_path / "bases" / "practice", copied)
    assert "Install the studio again" in caught.value.hint
    assert [path.name for path in (tmp_path / "bases").iterdir()] == [".practice.lock"]


def test_a_file_that_was_cut_short_is_refused(copied: Path) -> None:
    copied.write_bytes(copied.read_bytes()[:-100])
    with pytest.raises(UserError, match="is damaged"):
        packed.read(copied)


def test_a_missing_file_is_named(copied: Path) -> None:
    copied.unlink()
    with pytest.raises(UserError, match="small.safetensors.xz` can't be read: No such file"):
        packed.read(copied)
    (copied.parent / "small.json").unlink()
    with pytest.raises(UserError, match="The practice base is not whole: .*small.json"):
        practice.is_whole(copied.parent, copied)


@pytest.mark.parametrize("body", ["{", "[]", '{"format": 1}'])
def test_a_damaged_note_beside_it_is_named(copied: Path, body: str) -> None:
    (copied.parent / "small.json").write_text(body)
    with pytest.raises(UserError, match="not whole"):
        packed.describe(copied)


def test_a_newer_format_is_refused(copied: Path) -> None:
    (copied.parent / "small.json").write_text('{"format": 2, "sha256": "a"}')
    with pytest.raises(UserError, match="has the format 2, this version reads 1"):
        packed.describe(copied)


def test_values_that_are_not_numbers_are_not_packed(parts: Parts, tmp_path: Path) -> None:
    bad = {**parts.gpt, "gpt.final_norm.bias": torch.full((32,), torch.nan)}
    with pytest.raises(StudioError, match=r"`gpt/gpt.final_norm.bias` holds values that are not"):
        pack(dataclasses.replace(parts, gpt=bad), tmp_path / "a.xz")
    assert not list(tmp_path.iterdir())


def test_values_that_half_precision_can_not_hold_are_not_packed(
    parts: Parts, tmp_path: Path
) -> None:
    key = "conv_pre.weight"
    bad = {**parts.decoder, key: torch.full_like(parts.decoder[key], 7e4)}
    with pytest.raises(StudioError, match=r"`decoder/conv_pre.weight` holds 7e\+04, which half"):
        pack(dataclasses.replace(parts, decoder=bad), tmp_path / "a.xz")


def test_parts_that_do_not_fit_together_are_all_named(parts: Parts, tmp_path: Path) -> None:
    said = {**parts.config["model_args"], "gpt_num_audio_tokens": 100, "decoder_input_dim": 99}
    bad = dataclasses.replace(
        parts,
        config={**parts.config, "model_args": said},
        vocabulary=practice_base_vocabulary(),
        mel_stats=torch.ones(79),
        card="",
        language="ti",
    )
    with pytest.raises(StudioError) as caught:
        pack(bad, tmp_path / "a.xz")
    assert caught.value.message.splitlines() == [
        "The parts do not fit together:",
        "- `gpt.text_embedding.weight` has the shape (94, 32) instead of (606, 32)",
        "- `gpt.mel_embedding.weight` has the shape (66, 32) instead of (100, 32)",
        "- the decoder does not read what the GPT gives (decoder_input_dim)",
        "- the DVAE has 64 codes, the GPT 98",
        "- mel_stats has the shape (79,) instead of (80,)",
        "- the vocabulary has no token `[ti]`",
        "- note and card say nothing",
    ]


def test_the_studios_own_base_is_whole_and_reads_both_languages() -> None:
    told, parts = packed.describe(), packed.read()
    assert packed.WEIGHTS.stat().st_size == told["bytes"] <= 40_000_000
    assert vocabulary_hash(parts.vocabulary) == vocabulary_hash(practice_base_vocabulary())
    assert parts.config["model_args"] == told["model_args"]
    assert {"am", "en"} <= set(parts.config["languages"])
    assert parts.note == told["note"] and parts.note in parts.card
