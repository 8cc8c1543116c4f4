"""The fast ways to speak against the released code's way, on the random practice voice in fp32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from amharic_tts.errors import StudioError, UserError
from amharic_tts.synthesis import sentences
from amharic_tts.synthesis.engine import RATE, Asked, Piece, SpeechEngine
from amharic_tts.synthesis.model.drawing import Drawing
from amharic_tts.synthesis.model.vocoder import SoundStream, Vocoder
from amharic_tts.synthesis.model.writing import Line, Written, write
from amharic_tts.synthesis.request import Sampling

DRAWING = Drawing(temperature=0.75, top_k=50, top_p=0.85, repetition_penalty=5.0)
TEXTS = ("hello there", "one two three four five", "a")


@pytest.fixture(scope="module")
def engine(practice_voice: Path) -> SpeechEngine:
    loaded = SpeechEngine.load(practice_voice, device="cpu", precision="fp32")
    loaded.most_codes = MOST
    return loaded


@pytest.fixture(scope="module")
def stock(practice_voice: Path) -> Any:
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.load_json(practice_voice / "config.json")
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=practice_voice, eval=True, strict=True)
    return model


MOST = 30


def lines(engine: SpeechEngine, seed: int = 5) -> list[Line]:
    encoder = engine.encoder("en")
    return [Line(tuple(encoder.encode(t)), seed + n, MOST) for n, t in enumerate(TEXTS)]


def written(engine: SpeechEngine, chosen: list[Line], drawing: Drawing) -> list[Written]:
    voice = engine._conditioner.of([engine.voice.reference])
    found = {}
    for step in write(engine._runner, voice.latents, chosen, drawing):
        if step.written:
            found[step.row] = step.written
    return [found[row] for row in range(len(chosen))]


def test_the_same_seed_draws_the_codes_of_stock_coqui_and_its_latents(
    engine: SpeechEngine, stock: Any
) -> None:
    voice = engine._conditioner.of([engine.voice.reference])
    for line in lines(engine):
        (own,) = written(engine, [line], DRAWING)
        text = torch.tensor([line.tokens])
        torch.manual_seed(line.seed)
        with torch.inference_mode():
            codes = stock.gpt.generate(
                cond_latents=voice.latents,
                text_inputs=text,
                do_sample=True,
                top_p=0.85,
                top_k=50,
                temperature=0.75,
                repetition_penalty=5.0,
                max_new_tokens=MOST,
            )
            latents = stock.gpt(
                text,
                torch.tensor([text.shape[1]]),
                codes,
                torch.tensor([codes.shape[1] * 1024]),
                cond_latents=voice.latents,
                return_latent=True,
            )
        assert codes[0].tolist() == list(own.codes)
        assert own.cut == (own.codes[-1] != stock.gpt.stop_audio_token)
        assert torch.allclose(own.latents, latents[0], atol=2e-4)


def test_lines_written_together_are_those_written_alone(engine: SpeechEngine) -> None:
    chosen = lines(engine)
    together = written(engine, chosen, DRAWING)
    for line, own in zip(chosen, together, strict=True):
        (alone,) = written(engine, [line], DRAWING)
        assert own.codes == alone.codes
        assert torch.allclose(own.latents, alone.latents, atol=2e-4)


def test_the_likeliest_codes_need_no_seed(engine: SpeechEngine) -> None:
    greedy = Drawing(temperature=0.0, top_k=0, top_p=1.0, repetition_penalty=1.0)
    first, other = (written(engine, lines(engine, seed), greedy) for seed in (1, 900))
    assert [own.codes for own in first] == [own.codes for own in other]


@pytest.mark.parametrize("speed", [1.0, 1.4, 0.7])
def test_sound_that_comes_in_stretches_is_the_sound_of_the_whole(
    engine: SpeechEngine, speed: float
) -> None:
    voice = engine._conditioner.of([engine.voice.reference])
    vocoder = Vocoder(engine._model.hifigan_decoder, voice.speaker, speed)
    latents = torch.randn(41, engine._model.args.gpt_n_model_channels)
    whole = vocoder.whole(latents)
    stream, parts = SoundStream(vocoder), []
    for latent in latents:
        stream.feed(latent)
        if stream.ready >= 10:
            parts.append(stream.take())
    parts.append(stream.take(last=True))
    assert len(parts) > 5
    found = np.concatenate(parts)
    assert len(found) == len(whole)
    assert np.abs(found - whole).max() < 1e-5


def test_the_whole_is_what_coqui_decodes(engine: SpeechEngine, stock: Any) -> None:
    voice = engine._conditioner.of([engine.voice.reference])
    latents = torch.randn(20, engine._model.args.gpt_n_model_channels)
    with torch.inference_mode():
        wanted = stock.hifigan_decoder(latents[None], g=voice.speaker).reshape(-1).numpy()
    found = Vocoder(engine._model.hifigan_decoder, voice.speaker).whole(latents)
    assert np.abs(found - wanted).max() < 1e-5


def test_a_stream_says_what_is_said_at_once(
    engine: SpeechEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "_SHORT", 0.0)
    asked = Asked("hello there. one two three.", language="en", seed=3)
    made = list(engine.perform(asked, stream=True))
    pieces = [one for one in made if isinstance(one, Piece)]
    chunks = [one for one in made if isinstance(one, np.ndarray)]
    assert [piece.number for piece in pieces] == [1, 2]
    assert isinstance(made[-1], Piece)
    assert np.array_equal(np.concatenate(chunks), pieces[0].samples)
    whole = list(engine.perform(asked))
    for one, other in zip(pieces, whole, strict=True):
        assert isinstance(other, Piece)
        assert len(one.samples) == len(other.samples)
        assert np.abs(one.samples - other.samples).max() < 1e-4


def test_one_sentence_again_is_another_take_of_it_alone(
    engine: SpeechEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "_SHORT", 0.0)
    asked = Asked("hello there. one two three.", language="en", seed=3)
    second = list(engine.perform(asked))[1]
    assert isinstance(second, Piece)
    same = engine.again(asked, 2, second.seed)
    assert (same.text, same.number) == ("one two three.", 2)
    assert np.abs(same.samples - second.samples).max() < 1e-4
    other = engine.again(asked, 2, 77)
    assert other.seed == 77
    assert (
        other.samples.shape != same.samples.shape
        or np.abs(other.samples - same.samples).max() > 1e-2
    )
    with pytest.raises(UserError, match="2 sentences, and no number 3"):
        engine.again(asked, 3, 1)


def test_several_clips_are_heard_as_coqui_hears_them(
    engine: SpeechEngine, stock: Any, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    clips = []
    for number in range(2):
        clips.append(tmp_path / f"{number}.wav")
        sound = 0.3 * rng.standard_normal(22050 * 2) * np.sin(np.linspace(0, 40, 22050 * 2)) ** 2
        soundfile.write(clips[-1], sound, 22050, subtype="FLOAT")
    found = engine._conditioner.of(clips)
    audios = [torch.from_numpy(soundfile.read(c, dtype="float32")[0])[None] for c in clips]
    with torch.inference_mode():
        latents = stock.get_gpt_cond_latents(
            torch.cat(audios, 1),
            22050,
            length=stock.config.gpt_cond_len,
            chunk_length=stock.config.gpt_cond_chunk_len,
        )
        speakers = [stock.get_speaker_embedding(audio, 22050) for audio in audios]
    assert torch.allclose(found.latents, latents, atol=1e-5)
    assert torch.allclose(found.speaker, torch.stack(speakers).mean(0), atol=1e-6)
    assert engine._conditioner.of(clips) is found
    with pytest.raises(UserError, match="17 reference clips are too many"):
        engine._conditioner.of(clips[:1] * 17)


def test_int8_and_bf16_draw_nearly_what_fp32_draws(
    engine: SpeechEngine, practice_voice: Path
) -> None:
    """Which code is likeliest after the codes of fp32, not what follows from a first difference."""
    chosen = lines(engine)
    own = written(engine, chosen, DRAWING)
    head = engine._model.gpt.mel_head
    with torch.inference_mode():
        wanted = [head(one.latents).argmax(-1) for one in own]
    for precision in ("int8", "bf16"):
        other = SpeechEngine.load(practice_voice, device="cpu", precision=precision)
        assert (other.precision.name, other.precision.reason) == (precision, "asked for")
        voice, same, count = other._conditioner.of([other.voice.reference]), 0, 0
        for line, one, likeliest in zip(chosen, own, wanted, strict=True):
            latents, cache = other._runner.begin(
                [other._runner.prefix(voice.latents, line.tokens)], 30
            )
            for at, code in enumerate(one.codes):
                same += int(other._runner.logits(latents)[0].argmax() == likeliest[at])
                count += 1
                latents = other._runner.step(torch.tensor([code]), at + 1, cache)
        assert same / count > 0.8  # of random weights, whose likeliest codes are close together


def test_a_voice_in_another_precision_takes_no_other_weights(practice_voice: Path) -> None:
    other = SpeechEngine.load(practice_voice, device="cpu", precision="int8")
    with pytest.raises(StudioError, match="Only a voice that runs in fp32"):
        other.take_gpt({})


def test_small_voices_stay_in_fp32_by_themselves(practice_voice: Path) -> None:
    chosen = SpeechEngine.load(practice_voice, device="cpu").precision
    assert (chosen.name, chosen.reason) == (
        "fp32",
        "the voice is small: less would not be faster",
    )


def test_the_pace_is_measured(engine: SpeechEngine) -> None:
    engine.pace = type(engine.pace)()
    made = list(engine.perform(Asked("hello there", language="en", sampling=Sampling(speed=2))))
    (piece,) = made
    assert isinstance(piece, Piece)
    assert engine.pace.codes == piece.codes
    assert engine.pace.spoken == pytest.approx(len(piece.samples) / RATE)
    told = engine.pace.to_dict()
    assert told["codes_a_second"] > 0
    assert told["real_time_factor"] > 0
