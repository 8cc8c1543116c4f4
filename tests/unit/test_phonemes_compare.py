"""Comparing speech with texts from end to end: speech that espeak-ng makes, and read clips."""

from __future__ import annotations

import base64
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from amharic_tts.audio.read import read
from amharic_tts.cli import app
from amharic_tts.dataset.manifest import Dataset, Utterance
from amharic_tts.errors import UserError
from amharic_tts.espeak import client
from amharic_tts.events import Done, Finding
from amharic_tts.phonemes.align import Row, compare
from amharic_tts.phonemes.expected import from_text
from amharic_tts.phonemes.extractor import PhonemeExtractor
from amharic_tts.phonemes.models.base import RATE
from amharic_tts.phonemes.models.hama_model import present
from amharic_tts.phonemes.scores import SHORTEST_EXTRA, agreement, dataset, said
from amharic_tts.phonemes.settings import PhonemeSettings

pytestmark = [
    pytest.mark.skipif(not present(), reason="hama has no build for this system"),
    pytest.mark.skipif(not client.installed(), reason="espeakng-loader has no build here"),
]
CLIPS = Path(__file__).parents[3] / "shared" / "data" / "ljspeech"
TEXT = "the morning was bright and people came along the river"
WRONG = TEXT.replace("people", "winter")


@pytest.fixture(scope="module")
def extractor() -> PhonemeExtractor:
    return PhonemeExtractor(settings=PhonemeSettings())


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`TEXT` as espeak-ng says it, as a WAV file."""
    request = {"voice": "en-us", "speed": 130, "pitch": 45, "texts": [TEXT]}
    answer = client.shared().ask({"do": "pronounce", **request})
    path = tmp_path_factory.mktemp("speech") / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(answer["rate"])
        file.writeframes(base64.b64decode(answer["sound"]))
    return path


def test_right_and_wrong_texts_of_synthetic_speech(
    extractor: PhonemeExtractor, spoken: Path
) -> None:
    heard, posteriors = extractor.hear(spoken)
    right = compare(heard, from_text(TEXT, "en"), posteriors)
    wrong = compare(heard, from_text(WRONG, "en"), posteriors)
    other = compare(heard, from_text("nobody knew what to say about it", "en"), posteriors)
    assert right.per < 0.45, "hama hears this voice with about every third symbol wrong"
    assert right.per < wrong.per < other.per
    assert right.pfer < wrong.pfer < other.pfer
    assert right.score > wrong.score > other.score
    assert min(wrong.words, key=lambda word: word.score).text == "winter"
    starts = [word.start for word in right.words]
    assert starts == sorted(starts)
    assert [word.text for word in right.words] == TEXT.split()


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the read clips are not beside the project")
def test_read_clips_with_right_and_other_texts(extractor: PhonemeExtractor) -> None:
    """Two short clips; all 24 are in `benchmarks/phonemes_compare.py`."""
    lines = (CLIPS / "metadata.csv").read_text(encoding="utf-8").splitlines()
    texts = dict(line.split("|", 1) for line in lines)
    for name, other in (("LJ001-0002", "LJ001-0008"), ("LJ001-0008", "LJ001-0002")):
        sound = read(CLIPS / f"{name}.flac", RATE)
        right = said(sound, RATE, texts[name], "en", extractor)
        wrong = said(sound, RATE, texts[other], "en", extractor)
        assert right.per < 0.3 < 0.6 < wrong.per
        assert right.score > 0.7 > 0.4 > wrong.score
        assert (right.missing_end, right.extra_phones, right.repeats) == (False, 0, 0)


def rows(text: str) -> tuple[Row, ...]:
    """Return rows such as ``a:a b:- -:c``, wanted before heard."""
    found = []
    for pair in text.split():
        wanted, heard = (side.replace("-", "") for side in pair.split(":"))
        same = "ok" if wanted == heard else "substituted"
        kind = "inserted" if not wanted else "missing" if not heard else same
        found.append(Row(kind, wanted, heard, 0, 0, 1.0 if same == "ok" else 0.0, 0))
    return tuple(found)


@pytest.mark.parametrize(
    ("text", "missing_end", "extra", "repeats"),
    [
        ("a:a b:b c:c d:d e:e f:f", False, 0, 0),
        ("a:a b:b c:- d:- e:- f:-", True, 0, 0),
        ("a:- b:- c:- d:- e:e f:f", False, 0, 0),
        ("a:a b:b c:c d:d -:a -:b -:c -:d e:e", False, 4, 1),
        ("a:a b:b c:c d:d -:s -:t -:u -:v e:e", False, 4, 0),
        ("a:a -:b -:c -:d e:e", False, 0, 0),
        ("", False, 0, 0),
    ],
)
def test_agreement_of_rows(text: str, missing_end: bool, extra: int, repeats: int) -> None:
    from amharic_tts.phonemes.align import Comparison

    found = agreement(Comparison(rows(text), (), 0, 0, 0))
    assert (found.missing_end, found.extra_phones, found.repeats) == (missing_end, extra, repeats)
    assert SHORTEST_EXTRA == 4


def test_a_dataset_is_compared_worst_first(extractor: PhonemeExtractor, spoken: Path) -> None:
    clips = (
        Utterance("good", spoken.name, TEXT),
        Utterance("bad", spoken.name, "nobody knew what to say about it"),
        Utterance("gone", "gone.wav", TEXT),
        Utterance("foreign", spoken.name, "ሰላም"),
        Utterance("rejected", spoken.name, TEXT, decision="rejected"),
    )
    events = list(dataset(Dataset(spoken.parent, "en", utterances=clips), extractor))
    done = events[-1]
    assert isinstance(done, Done)
    assert [row["id"] for row in done.result["rows"]] == ["bad", "good"]
    assert [item["id"] for item in done.result["failed"]] == ["gone", "foreign"]
    findings = [(e.subject, e.code) for e in events if isinstance(e, Finding)]
    assert findings == [
        *(("bad", "speech_differs"), ("gone", "not_compared"), ("foreign", "not_compared"))
    ]


def test_the_command_prints_a_table_and_json(spoken: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(WRONG + "\n", encoding="utf-8")
    command = ["phonemes-compare", str(spoken), "--text-file", str(text)]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0
    head = shown.stdout.splitlines()
    assert head[0].split() == ["wanted", "heard", "seconds", "score"]
    assert head[1].startswith("the  (")
    assert head[-1].startswith("PER ")
    found = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert list(found) == ["audio", "language", "wanted", "heard", "comparison"]
    assert [word["text"] for word in found["wanted"]] == WRONG.split()
    worst = min(found["comparison"]["words"], key=lambda word: word["score"])
    assert worst["text"] == "winter"
    assert set(found["comparison"]["rows"][0]) == {
        *("kind", "wanted", "heard", "start", "end", "score", "word", "note")
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "There is no sound to compare"),
        (["{}"], "Say what should be heard by one of --text, --text-file and --phones"),
        (["{}", "--text", "a", "--phones", "a"], "Say what should be heard by one of"),
        (["{}", "--text", "ሰላም"], "The text has letters that are not read"),
        (["{}", "--phones", "h 5"], "`5` is no phone in IPA"),
        (["{}", "--text-file", "nowhere.txt"], "There is no file `nowhere.txt`"),
        (["{}", "--dataset", "x"], "--dataset brings its own sounds and texts"),
        (["nowhere.wav", "--text", "a"], "nowhere.wav"),
    ],
)
def test_what_the_command_refuses(spoken: Path, arguments: list[str], message: str) -> None:
    words = [word.format(spoken) for word in arguments]
    result = CliRunner().invoke(app, ["phonemes-compare", *words])
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)


def test_silence_and_noise_agree_with_nothing(extractor: PhonemeExtractor) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    for sound in (np.zeros(RATE, np.float32), np.zeros(0, np.float32), noise):
        found = said(sound, RATE, "hello world", "en", extractor)
        assert found.per >= 0.8
        assert found.score < 0.2
