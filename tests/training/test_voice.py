from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from amharic_tts.base_models.checkpoint import load_model_state
from amharic_tts.errors import StudioError, UserError
from amharic_tts.synthesis import sentences
from amharic_tts.synthesis.engine import RATE, SpeechEngine
from amharic_tts.synthesis.pauses import silence_after
from amharic_tts.synthesis.voice_files import write_voice
from amharic_tts.synthesis.voices import check_voice
from amharic_tts.tokenizer.settings import TextSettings, current
from amharic_tts.tokenizer.vocabulary import load_vocabulary


@pytest.fixture(scope="module")
def engine(practice_voice: Path) -> SpeechEngine:
    return SpeechEngine.load(practice_voice, device="cpu")


@pytest.fixture
def short(engine: SpeechEngine) -> Iterator[int]:
    """Bounds every piece to some ten codes: sound is slow to make on a CPU."""
    engine.most_codes = 10
    yield 10
    engine.most_codes = None


def copy(voice: Path, target: Path) -> Path:
    """A copy of a voice that shares its large files until one is replaced."""
    shutil.copytree(voice, target, copy_function=lambda a, b: Path(b).hardlink_to(a))
    return target


def replace_bytes(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_a_voice_has_the_files_of_the_format(practice_voice: Path) -> None:
    assert {path.name for path in practice_voice.iterdir()} == {
        *("model.pth", "config.json", "vocab.json", "speakers_xtts.pth"),
        *("reference.wav", "voice.json", "MODEL_CARD.md"),
    }
    voice = check_voice(practice_voice)
    assert voice.settings == current("am")
    assert "does not speak" in voice.note
    assert voice.manifest == {"dataset": "none", "steps": 0}
    config = json.loads((practice_voice / "config.json").read_text())
    assert config["languages"][-1] == "am"
    card = (practice_voice / "MODEL_CARD.md").read_text()
    assert "does not speak" in card
    assert "- dataset: none" in card
    assert not list(practice_voice.parent.glob(".ready*"))


def test_stock_coqui_loads_a_voice_strictly(practice_voice: Path) -> None:
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(practice_voice / "config.json")
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=practice_voice, eval=True, strict=True)
    rows = len(load_vocabulary(practice_voice / "vocab.json")["model"]["vocab"])
    assert model.gpt.text_embedding.weight.shape[0] == rows == model.tokenizer.get_number_tokens()


def test_it_speaks_amharic_finitely(engine: SpeechEngine) -> None:
    speech = engine.speak("ሰላም።", seed=1)
    assert speech.rate == RATE
    assert speech.samples.dtype == np.float32
    assert np.isfinite(speech.samples).all()
    assert np.abs(speech.samples).max() <= 1
    assert speech.samples.std() > 0.02  # the noise of the practice base is heard
    assert abs(speech.samples.mean()) < 0.01
    assert speech.seconds == pytest.approx(len(speech.samples) / RATE)
    assert 0.05 < speech.seconds < 4  # two seconds and twice the usual pace of three letters
    assert (speech.language, speech.pieces) == ("am", 1)


def test_what_does_not_end_by_itself_is_cut_and_said(engine: SpeechEngine, short: int) -> None:
    pieces = [piece for seed in range(3) for piece in engine.say("ሀ።", seed=seed)]
    assert {piece.codes for piece in pieces if piece.cut} == {short}  # an untrained one runs on
    assert all(piece.codes <= short for piece in pieces if not piece.cut)


def test_the_seed_decides(engine: SpeechEngine, short: int) -> None:
    first, again, other = (engine.speak("ሀ።", seed=seed).samples for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_caller_keeps_its_random_numbers(engine: SpeechEngine, short: int) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    engine.speak("ሀ።", seed=5)
    assert torch.equal(torch.rand(1), expected)


def test_a_stock_language_sounds_as_from_stock_coqui(engine: SpeechEngine, short: int) -> None:
    """The same seed, tokens and reference give the same samples as `Xtts.inference`."""
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(engine.voice.folder / "config.json")
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=engine.voice.folder, eval=True, strict=True)
    ours = list(engine.say("hello there.", language="en", seed=11))
    samples, rate = soundfile.read(engine.voice.reference, dtype="float32")
    audio = torch.from_numpy(samples)[None]
    latents = model.get_gpt_cond_latents(
        audio, rate, length=config.gpt_cond_len, chunk_length=config.gpt_cond_chunk_len
    )
    torch.manual_seed(11)
    stock = model.inference(
        "hello there.",
        "en",
        latents,
        model.get_speaker_embedding(audio, rate),
        temperature=config.temperature,
        repetition_penalty=config.repetition_penalty,
        top_k=config.top_k,
        top_p=config.top_p,
        max_new_tokens=short,
    )
    assert len(ours[0].samples) == len(stock["wav"]) > 0
    assert np.abs(ours[0].samples - stock["wav"]).max() < 1e-5


def test_a_long_text_is_spoken_in_pieces_with_pauses(
    engine: SpeechEngine, monkeypatch: pytest.MonkeyPatch, short: int
) -> None:
    monkeypatch.setattr(sentences, "_SHORT", 0.0)
    pieces = list(engine.say("ሀ። ለ።", seed=1))
    assert [(p.number, p.total, p.prepared) for p in pieces] == [(1, 2, "ሀ።"), (2, 2, "ለ።")]
    speech = engine.speak("ሀ። ለ።", seed=1)
    first = len(pieces[0].samples)
    pause = silence_after(pieces[0].samples, sentences.SENTENCE, RATE)
    assert 0 < pause <= round(sentences.SENTENCE * RATE)
    assert len(speech.samples) == sum(len(piece.samples) for piece in pieces) + pause
    assert not speech.samples[first : first + pause].any()


@pytest.mark.parametrize(
    ("text", "language", "message"),
    [
        ("   ", None, "nothing to say"),
        ("።፣ ?", None, "nothing to say"),
        ("ሰላም ☺ መ日", None, "can't read these characters: `☺` `日`"),
        ("ሰላም", "xx", "does not know the language `xx`"),
        ("hello", "a language", "is not a language code"),
        ("ሀ" * 10_001, None, "10001 characters"),
    ],
)
def test_bad_text_is_refused(
    engine: SpeechEngine, text: str, language: str | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        engine.speak(text, language=language)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(22050), "`clip.wav` is silent"),
        (np.ones(5000) / 2, "has 0.23 s; it needs at least 0.5 s"),
    ],
)
def test_a_bad_reference_is_refused(
    engine: SpeechEngine, tmp_path: Path, samples: np.ndarray, message: str
) -> None:
    soundfile.write(tmp_path / "clip.wav", samples, 22050)
    with pytest.raises(UserError, match=message):
        engine.speak("ሀ", reference=tmp_path / "clip.wav")
    with pytest.raises(UserError, match="There is no reference clip"):
        engine.speak("ሀ", reference=tmp_path / "none.wav")


def test_any_recording_serves_as_reference(
    engine: SpeechEngine, short: int, tmp_path: Path
) -> None:
    time = np.arange(48000) / 48000
    tone = 0.3 * np.sin(2 * np.pi * 200 * time)
    soundfile.write(tmp_path / "clip.flac", np.stack([tone, tone], axis=1), 48000)
    one = engine.speak("ሀ።", reference=tmp_path / "clip.flac", seed=5).samples
    assert not np.array_equal(one, engine.speak("ሀ።", seed=5).samples)


def test_a_voice_of_another_vocabulary_is_refused(practice_voice: Path, tmp_path: Path) -> None:
    voice = copy(practice_voice, tmp_path / "voice")
    text = (voice / "vocab.json").read_text()
    replace_bytes(voice / "vocab.json", text.replace("ሀ", "ሁ", 1).encode())
    with pytest.raises(UserError, match="is not the one that the voice was trained with"):
        SpeechEngine.load(voice)


def test_a_voice_that_reads_text_in_another_way_is_refused(
    practice_voice: Path, tmp_path: Path
) -> None:
    voice = copy(practice_voice, tmp_path / "voice")
    body = json.loads((voice / "voice.json").read_text())
    body["text"]["normalizer"] = "0.1"
    replace_bytes(voice / "voice.json", json.dumps(body).encode())
    with pytest.raises(UserError, match=r"normalizer: `.*` and `0.1`"):
        SpeechEngine.load(voice)


@pytest.mark.parametrize("name", ["model.pth", "config.json", "vocab.json", "reference.wav"])
def test_a_missing_or_short_file_is_named(practice_voice: Path, tmp_path: Path, name: str) -> None:
    voice = copy(practice_voice, tmp_path / "voice")
    content = (voice / name).read_bytes()
    replace_bytes(voice / name, content[: len(content) // 2])
    with pytest.raises(UserError, match=f"- {name}"):
        SpeechEngine.load(voice)
    (voice / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        SpeechEngine.load(voice)


def test_a_gpt_of_another_shape_is_not_exported(practice_base: Path, tmp_path: Path) -> None:
    state = load_model_state(practice_base / "model.pth")
    gpt = {key: value for key, value in state.items() if key.startswith("gpt.")}
    vocab = load_vocabulary(practice_base / "vocab.json")
    settings, clip = TextSettings("en"), np.zeros(22050, dtype=np.float32)
    target = tmp_path / "ready"
    lost = dict(gpt)
    lost.pop("gpt.final_norm.weight")
    with pytest.raises(StudioError, match=r"missing \['gpt.final_norm.weight'\]"):
        write_voice(target, practice_base, vocab, lost, settings, clip, {})
    narrow = {**gpt, "gpt.final_norm.weight": torch.ones(3)}
    with pytest.raises(StudioError, match=r"`gpt.final_norm.weight` has the shape \(3,\)"):
        write_voice(target, practice_base, vocab, narrow, settings, clip, {})
    assert list(tmp_path.iterdir()) == []


def test_an_older_voice_goes_to_the_trash_when_the_new_one_is_whole(
    practice_base: Path, tmp_path: Path
) -> None:
    state = load_model_state(practice_base / "model.pth")
    gpt = {key: value for key, value in state.items() if key.startswith("gpt.")}
    vocab = load_vocabulary(practice_base / "vocab.json")
    target, trash = tmp_path / "run" / "ready", tmp_path / "trash"
    target.mkdir(parents=True)
    (target / "old.txt").write_text("old")
    clip = np.zeros(22050, dtype=np.float32)
    write_voice(target, practice_base, vocab, gpt, TextSettings("en"), clip, {}, trash=trash)
    assert check_voice(target).language == "en"
    (old,) = trash.iterdir()
    assert (old / "old.txt").read_text() == "old"
    assert [path.name for path in target.parent.iterdir()] == ["ready"]
