from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import av
import numpy as np
import pytest
import soundfile

from amharic_tts.audio import encode as encoding
from amharic_tts.audio.encode import FORMATS, Encoder, encode, to_pcm
from amharic_tts.errors import UserError

RATE = 24000
SLACK = {"mp3": 0.1, "aac": 0.1}
"""Seconds that a stream may be longer than its sound: blocks and the encoder's own start."""


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def decoded(data: bytes, format: str, rate: int = RATE) -> tuple[np.ndarray, int]:
    """Return what is heard, decoded by FFmpeg's libraries where they can, and its rate."""
    if format == "pcm":
        return np.frombuffer(data, "<i2") / 32768, rate
    if format == "ogg":  # FFmpeg is up to a block off at both ends of a Vorbis file
        return soundfile.read(io.BytesIO(data))
    blocks = []
    with av.open(io.BytesIO(data)) as container:
        resampler = av.AudioResampler("flt", "mono")
        for frame in container.decode(audio=0):
            rate = frame.sample_rate
            blocks += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    return np.concatenate(blocks), rate


def pitch(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def pieces(samples: np.ndarray, size: int) -> Iterator[bytes]:
    for start in range(0, len(samples), size):
        yield to_pcm(samples[start : start + size])


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_whole_file_decodes_to_its_length_and_sound(format: str) -> None:
    heard, rate = decoded(encode(tone(1.5), RATE, format), format)
    slack = SLACK["aac"] if format == "aac" else 0.0  # ADTS has no place for the length
    assert 1.5 <= len(heard) / rate <= 1.5 + slack
    assert pitch(heard, rate) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.3536, abs=0.02)


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_stream_leaves_in_pieces_and_decodes_to_its_length(format: str) -> None:
    encoder = Encoder(format, RATE)
    sent = [encoder.feed(pcm) for pcm in pieces(tone(3), 4800)]
    rest = encoder.close()
    # Vorbis comes in large pages; all the others speak within the first tenths of a second.
    assert [len(part) > 0 for part in sent[:3]] == [True, format != "ogg", format != "ogg"]
    assert encoder.close() == b""
    heard, rate = decoded(b"".join([*sent, rest]), format)
    assert 3 <= len(heard) / rate <= 3 + SLACK.get(format, 0)
    assert pitch(heard, rate) == pytest.approx(440, abs=2)


def test_ffmpeg_reads_vorbis_too() -> None:
    with av.open(io.BytesIO(encode(tone(1.5), RATE, "ogg"))) as container:
        assert container.streams.audio[0].codec_context.name == "vorbis"
        count = sum(frame.samples for frame in container.decode(audio=0))
    assert count / RATE == pytest.approx(1.5, abs=0.03)


def test_wav_and_flac_of_a_whole_file_know_their_length() -> None:
    samples = tone(0.5)
    for format in ("wav", "flac"):
        sound, rate = soundfile.read(io.BytesIO(encode(samples, RATE, format)), dtype="int16")
        assert rate == RATE
        assert sound.tobytes() == to_pcm(samples)


def test_the_header_of_a_wav_stream_leaves_the_length_open() -> None:
    encoder = Encoder("wav", RATE)
    data = encoder.feed(to_pcm(tone(0.1))) + encoder.close()
    assert data[:4] == b"RIFF"
    assert struct.unpack("<I", data[4:8]) == struct.unpack("<I", data[40:44]) == (0xFFFFFFFF,)
    sound, rate = soundfile.read(io.BytesIO(data))
    assert (len(sound), rate) == (2400, RATE)


@pytest.mark.parametrize("format", list(FORMATS))
def test_no_sound_at_all_makes_no_error(format: str) -> None:
    encoder = Encoder(format, RATE)
    assert isinstance(encoder.feed(b"") + encoder.close(), bytes)
    assert isinstance(encode(np.zeros(0, np.float32), RATE, format), bytes)


@pytest.mark.parametrize("format", ["mp3", "opus", "aac", "flac", "ogg"])
@pytest.mark.parametrize("rate", [22050, 96000])
def test_other_rates_keep_length_and_pitch(format: str, rate: int) -> None:
    heard, got = decoded(encode(tone(1, rate), rate, format), format)
    assert len(heard) / got == pytest.approx(1, abs=0.1)
    assert pitch(heard, got) == pytest.approx(440, abs=3)


def test_what_is_too_loud_is_cut_and_not_wrapped() -> None:
    loud = np.array([2.0, -2.0, 1.0, -1.0, 0.0], np.float32)
    assert np.frombuffer(to_pcm(loud), "<i2").tolist() == [32767, -32767, 32767, -32767, 0]


def test_an_unknown_format_and_half_a_sample_are_refused() -> None:
    for make in (lambda: Encoder("wma", RATE), lambda: encode(tone(0.1), RATE, "wma")):
        with pytest.raises(UserError, match="There is no format `wma`") as caught:
            make()
        assert caught.value.hint == "There are: wav, mp3, flac, ogg, opus, aac, pcm"
    with pytest.raises(ValueError, match="multiple of element size"):
        Encoder("pcm", RATE).feed(b"\0")


def test_every_format_names_its_suffix_and_type() -> None:
    assert {name: (f.suffix, f.mime) for name, f in encoding.FORMATS.items()} == {
        "wav": (".wav", "audio/wav"),
        "mp3": (".mp3", "audio/mpeg"),
        "flac": (".flac", "audio/flac"),
        "ogg": (".ogg", "audio/ogg"),
        "opus": (".opus", "audio/ogg; codecs=opus"),
        "aac": (".aac", "audio/aac"),
        "pcm": (".pcm", "audio/pcm"),
    }
