"""Any media file in: the right samples, or a message that says what is wrong."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from made_media import RATE, at_48k, encode, tone, video_only, wav

from amharic_tts.audio.read import AudioStream, MediaInfo, decode, probe, read
from amharic_tts.errors import UserError

SECONDS = 2.0


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return tone(SECONDS)


def lag(found: np.ndarray, wanted: np.ndarray) -> int:
    """Samples by which `found` comes later than `wanted`."""
    n = min(len(found), len(wanted))
    size = 1 << (2 * n).bit_length()
    product = np.fft.rfft(found[:n], size) * np.conj(np.fft.rfft(wanted[:n], size))
    cross = np.fft.irfft(product, size)
    shift = int(np.argmax(cross))
    return shift if shift < size // 2 else shift - size


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    rough = np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 0.1
    smooth = np.convolve(rough, np.ones(8) / 4, mode="same")
    return smooth.astype(np.float32)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_comes_back_sample_for_sample(
    tmp_path: Path, samples: np.ndarray, subtype: str
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, RATE, subtype=subtype)
    found = read(path)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, samples, atol=1 / 32000)


def test_eight_bits_are_centred(tmp_path: Path, samples: np.ndarray) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, RATE, subtype="PCM_U8")
    np.testing.assert_allclose(read(path), samples, atol=0.02)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 96_000])
def test_every_rate_is_resampled(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(SECONDS, 440.0, rate), rate, subtype="FLOAT")
    assert probe(path) == MediaInfo(SECONDS, rate, 1, "WAV FLOAT")
    found = read(path)
    assert len(found) == round(SECONDS * RATE)
    wanted = tone(SECONDS, 440.0)
    np.testing.assert_allclose(found[500:-500], wanted[500:-500], atol=2e-3)


def test_channels_are_averaged(tmp_path: Path, samples: np.ndarray) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([samples, samples / 2, samples * 0], axis=1), RATE)
    assert probe(path).channels == 3
    np.testing.assert_allclose(read(path), samples / 2, atol=1e-4)


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg", "aiff"])
def test_soundfile_formats(tmp_path: Path, suffix: str) -> None:
    path, wanted = tmp_path / f"a.{suffix}", noise(SECONDS)
    soundfile.write(path, wanted, RATE)
    decoded = decode(path)
    assert (len(decoded.samples), decoded.truncated) == (len(wanted), "")
    assert lag(decoded.samples, wanted) == 0


@pytest.mark.parametrize(
    ("suffix", "codec", "container"),
    [("m4a", "aac", "ipod"), ("mp4", "aac", "mp4"), ("webm", "libopus", "webm")],
)
def test_other_formats_by_ffmpeg(tmp_path: Path, suffix: str, codec: str, container: str) -> None:
    wanted = noise(SECONDS)
    path = encode(tmp_path / f"a.{suffix}", at_48k(wanted), 48_000, codec, container)
    decoded = decode(path)
    assert decoded.truncated == ""
    assert abs(len(decoded.samples) - len(wanted)) < 0.05 * RATE
    assert abs(lag(decoded.samples, wanted)) < 100


def test_the_name_does_not_matter(tmp_path: Path, samples: np.ndarray) -> None:
    good = tmp_path / "good.wav"
    soundfile.write(good, samples, RATE, subtype="FLOAT")
    for name in ("misnamed.mp3", "misnamed.m4a", "misnamed.raw", "no suffix", "ድምፅ 1.wav"):
        path = tmp_path / name
        path.write_bytes(good.read_bytes())
        np.testing.assert_array_equal(read(path), samples)


def test_blocks_join_to_what_a_whole_resampling_gives(tmp_path: Path) -> None:
    path, wanted = tmp_path / "a.wav", noise(5.0)
    soundfile.write(path, wanted, 44_100, subtype="FLOAT")
    blocks = list(AudioStream(path))
    assert len(blocks) > 3
    whole = soxr.resample(wanted, 44_100, RATE)
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_limit_stops_early(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", 3.0)
    assert decode(path, limit=1.0).duration == 1.0


def cut_file(path: Path, share: float) -> Path:
    data = path.read_bytes()
    short = path.with_name(f"cut_{path.name}")
    short.write_bytes(data[: round(len(data) * share)])
    return short


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "aiff"])
def test_a_truncated_file_gives_its_first_part_and_says_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, noise(4.0), RATE)
    decoded = decode(cut_file(path, 0.6))
    assert 1.5 < decoded.duration < 3.0
    assert decoded.truncated


def test_a_truncated_webm_gives_its_first_part_and_says_so(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.webm", at_48k(noise(4.0)), 48_000, "libopus", "webm")
    decoded = decode(cut_file(path, 0.6))
    assert 1.5 < decoded.duration < 3.0
    assert decoded.truncated.startswith("it says 4.0")


def test_a_truncated_mp4_has_lost_its_table(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", at_48k(noise(4.0)), 48_000, "aac", "mp4")
    with pytest.raises(UserError, match=r"`.*cut_a.mp4` can't be read as sound"):
        read(cut_file(path, 0.6))


def test_read_logs_a_truncated_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = wav(tmp_path / "a.wav", 2.0)
    assert len(read(cut_file(path, 0.5))) > RATE / 2
    assert "was cut short: its end is missing after" in caplog.text


def test_a_stream_of_unknown_length_is_not_truncated(tmp_path: Path) -> None:
    data = bytearray(wav(tmp_path / "a.wav").read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "b.wav").write_bytes(data)
    assert decode(tmp_path / "b.wav").truncated == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"`.*bad.wav` is empty \(0 bytes\)"),
        (b"This is a text.\n" * 50, "is not a sound or video file"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "can't be read as sound"),
        (b"\x00" * 4096, "can't be read as sound"),
        (b"#EXTM3U\n#EXTINF:1,\nother.wav\n#EXT-X-ENDLIST\n", "can't be read as sound"),
        (b"ffconcat version 1.0\nfile other.wav\n", "can't be read as sound"),
    ],
)
def test_what_is_not_a_recording(tmp_path: Path, content: bytes, message: str) -> None:
    wav(tmp_path / "other.wav")
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(tmp_path / "bad.wav")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        read(tmp_path / "none.wav")
    with pytest.raises(UserError, match="is a folder, not a recording"):
        probe(tmp_path)


def test_no_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(UserError, match="holds no sound"):
        read(tmp_path / "a.wav")


def test_one_sample(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1, np.float32), 44_100)
    assert len(read(tmp_path / "a.wav")) <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_numbers(tmp_path: Path, samples: np.ndarray, value: float) -> None:
    bad = samples.copy()
    bad[RATE] = value
    soundfile.write(tmp_path / "a.wav", bad, RATE, subtype="FLOAT")
    with pytest.raises(UserError, match=r"not numbers .* first at 1\.00 s"):
        read(tmp_path / "a.wav")


def test_video_without_sound(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds only pictures"):
        read(video_only(tmp_path / "a.mp4"))


def test_an_impossible_rate(tmp_path: Path) -> None:
    data = bytearray(wav(tmp_path / "a.wav").read_bytes())
    data[24:28] = struct.pack("<I", 3)
    (tmp_path / "b.wav").write_bytes(data)
    with pytest.raises(UserError, match="3 samples a second"):
        read(tmp_path / "b.wav")


def test_reading_changes_nothing(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav")
    before = path.read_bytes()
    read(path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"] and path.read_bytes() == before
