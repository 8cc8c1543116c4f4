"""What the Phonemes page draws: times as places, everything escaped, a sign beside each colour."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from amharic_tts.errors import UserError
from amharic_tts.phonemes.align import Comparison, Row, WordScore
from amharic_tts.phonemes.listen import Heard
from amharic_tts.phonemes.measured import Cost, Setting
from amharic_tts.phonemes.models import catalog
from amharic_tts.phonemes.models.base import RATE, LoadOptions, Symbols
from amharic_tts.phonemes.result import Phone, Recognition
from amharic_tts.settings import Settings
from amharic_tts.ui import phonemes_figure, phonemes_tables, words
from amharic_tts.ui.phonemes_form import ExpectedForm, ListenForm
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace

SAY = words.load("en")
EVIL = '<img src=x onerror="alert(1)">'


def heard(folder: Path, seconds: float, *phones: Phone) -> Heard:
    folder.mkdir(exist_ok=True)
    samples = np.zeros(int(seconds * RATE), np.float32)
    soundfile.write(folder / "sound.wav", samples, RATE, subtype="PCM_16")
    frames = int(seconds / 0.02)
    table = np.log(np.full((frames, 3), [0.5, 0.3, 0.2])).astype(np.float16)
    (folder / "posteriors.f16").write_bytes(table.tobytes())
    found = Recognition(phones, EVIL, "ipa", ("en",), seconds)
    starts = 0.02 * np.arange(frames)
    peaks = np.zeros(int(seconds / 0.05), np.float32)
    return Heard(found, folder, Symbols(("_", "a", EVIL), 0), 0.02, starts, peaks, 0.1)


@pytest.mark.parametrize(
    ("duration", "at", "expected"),
    [
        (4.0, 0.0, (0.0, 4.0)),
        (40.0, 14.9, (0.0, 15.0)),
        (40.0, 15.0, (15.0, 30.0)),
        (40.0, 39.0, (30.0, 40.0)),
        (40.0, 500.0, (30.0, 40.0)),
        (30.0, 30.0, (15.0, 30.0)),
        (30.0, -3.0, (0.0, 15.0)),
        (0.0, 0.0, (0.0, 0.02)),
    ],
)
def test_stretches(duration: float, at: float, expected: tuple[float, float]) -> None:
    found = phonemes_figure.stretch_at(duration, at)
    assert (found.start, found.end) == expected


def test_the_figure_of_a_stretch(tmp_path: Path) -> None:
    sound = heard(
        tmp_path / "a",
        40.0,
        Phone("a", 1.0, 1.2, 0.9),
        Phone("b", 18.0, 18.75, 0.4),
        Phone(EVIL, 29.0, 31.0, 0.9),
    )
    html = phonemes_figure.figure(sound, 20.0, SAY)
    assert 'data-start="15.000" data-end="30.000"' in html
    buttons = re.findall(r'<button type="button" class="([^"]*)"[^>]*style="([^"]*)"', html)
    assert buttons == [
        ("ph-phone ph-unsure", "left:20.000%;width:5.000%;--lane:0;--sure:0.40"),
        ("ph-phone", "left:93.333%;width:6.667%;--lane:0;--sure:0.90"),
    ]
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html
    content = re.search(r'src="data:audio/wav;base64,([^"]*)"', html)
    assert content is not None
    carried = soundfile.info(io.BytesIO(base64.b64decode(content[1])))
    assert (carried.duration, carried.samplerate) == (15.0, RATE)
    # Every handler is ours: nothing in the page runs from an attribute.
    assert not re.search(r"<[^>&]*\son\w+=", html)


def test_the_overview_is_for_long_recordings(tmp_path: Path) -> None:
    assert phonemes_figure.overview(heard(tmp_path / "a", 15.0), 0.0, SAY) == ""
    html = phonemes_figure.overview(heard(tmp_path / "b", 60.0), 46.0, SAY)
    assert '<i style="left:75.000%;width:25.000%"></i>' in html


def test_hardly_any_sound_has_a_figure(tmp_path: Path) -> None:
    assert "No phones in this part" in phonemes_figure.figure(heard(tmp_path / "a", 0.0), 0, SAY)


def test_short_phones_stand_in_lanes() -> None:
    many = [Phone("a", 0.02 * n, 0.02 * n + 0.02, 1.0) for n in range(4)]
    assert phonemes_figure.lanes(many) == [0, 1, 2, 0]
    apart = [Phone("a", 0.5 * n, 0.5 * n + 0.1, 1.0) for n in range(4)]
    assert phonemes_figure.lanes(apart) == [0, 0, 0, 0]


def test_the_comparison_marks_with_signs_and_escapes() -> None:
    rows = (
        Row("ok", "a", "a", 0.0, 0.1, 0.9, 0),
        Row("substituted", EVIL, "b", 0.1, 0.2, 0.1, 0, "the model has no kʼ; compared as k"),
        Row("inserted", "", "c", 0.2, 0.3, 0.5, 1),
        Row("missing", "d", "", 0.3, 0.3, 0.0, 1),
    )
    scores = (WordScore(EVIL, 0.5, 0.5, 0.0, 0.2), WordScore("two", 1.0, 0.0, 0.2, 0.3))
    found = Comparison(rows, scores, 0.75, 0.5, 0.25, (f"note {EVIL}",))
    html = phonemes_tables.comparison(found, SAY)
    assert "<img" not in html
    assert "PER <b>75 %</b>" in html and "PFER <b>50 %</b>" in html
    cells = re.findall(r'class="cmp-(\w+)" title="([^"]*)".*?<i>(.)</i>', html)
    assert [(kind, sign) for kind, _, sign in cells] == [
        ("ok", "✓"),
        ("substituted", "≠"),
        ("inserted", "+"),
        ("missing", "−"),
    ]
    assert cells[1][1].endswith("compared as k")
    assert cells[3][1].startswith("d was expected and not heard")
    assert html.count("cmp-wrong") == 2


def test_the_table_of_phones_is_cut_and_says_so() -> None:
    phones = tuple(Phone(EVIL, n, n + 0.1, 0.5, 0, (("b", 0.25),)) for n in range(401))
    html = phonemes_tables.phones_table(Recognition(phones, "m", "ipa", ("en",)), SAY)
    assert html.count("<tr>") == 401
    assert "and 1 more in the files" in html
    assert "<img" not in html
    assert "b 0.25" in html


def test_models_that_are_not_ready_say_what_to_do() -> None:
    entry = catalog.Entry("fast", EVIL, "letters", ("en", "88 languages"), "CC BY 4.0", "Quick")
    away = catalog.State(entry, False, "hama has no build for Windows", "Take `fast` instead: run")
    html = phonemes_tables.model_card(away, SAY)
    assert "not ready" in html and "hama has no build for Windows" in html
    assert "Take <code>fast</code> instead" in html
    assert "letters, not phones" in html and "English, 88 languages" in html
    assert "<img" not in html
    away = catalog.State(entry, False, "not converted", "amharic-tts phonemes-convert fast")
    html = phonemes_tables.model_card(away, SAY)
    assert "<code>amharic-tts phonemes-convert fast</code>" in html


def test_costs_and_measurements() -> None:
    cost = Cost(Setting("m", "onnxruntime", "int8", 2), 3, 20.0, 2.0, 0.5, 512.4)
    html = phonemes_tables.costs([cost], SAY)
    assert re.findall(r"<td>(.*?)</td>", html) == [
        *("m", "onnxruntime", "int8", "2", "3", "0.100", "10.0×", "0.50", "512"),
    ]
    assert "Nothing is measured yet" in phonemes_tables.costs([], SAY)
    assert phonemes_tables.bench({}, SAY) == ""
    row = {
        **{"model": "base", "variant": "int8", "load_seconds": 0.2, "seconds": 0.5},
        **{"cpu_seconds": 0.6, "real_time_factor": 0.1, "peak_mb": 310.2, "times_reference": None},
    }
    failed = [{"model": "base", "variant": "bf16", "reason": EVIL}]
    facts = {"seconds": 5.0, "threads": 1, "rounds": 5}
    html = phonemes_tables.bench({"rows": [row], "failed": failed, "conditions": facts}, SAY)
    assert "5 s of sound, 1 threads, 5 rounds" in html
    assert "<td>310</td><td>–</td>" in html
    assert "<img" not in html


def form(**changes: object) -> ListenForm:
    values = {
        **{"audio": "a.wav", "model": "embedded", "other": "", "inventory": "all", "own": ""},
        **{"dtype": "auto", "threads": 0},
    }
    return ListenForm(**{**values, **changes})  # type: ignore[arg-type]


def studio(workspace: Workspace, **settings: object) -> Studio:
    return Studio(Settings(workspace.root, **settings), workspace, SAY)  # type: ignore[arg-type]


def test_what_the_form_asks_for(workspace: Workspace, tmp_path: Path) -> None:
    here = studio(workspace)
    assert form(dtype="int8", threads=2).options() == LoadOptions(dtype="int8", threads=2)
    assert form(threads=None).options() == LoadOptions()
    assert form().phones() is None
    assert form(inventory="am").phones() == "am"
    # A list, so that what is typed is never taken for the path of a file.
    assert form(inventory="own", own=" s, ə  l").phones() == ["s", "ə", "l"]
    assert form().name(here) == "embedded"
    assert form(model="other", other=" owner/model ").name(here) == "owner/model"
    assert form(model="other", other=str(tmp_path)).name(here) == str(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"audio": None}, "There is no recording"),
        ({"inventory": "own", "own": " , "}, "The list of phones is empty"),
        ({"model": "other"}, "Name the other model"),
        ({"model": "other", "other": "--out=/etc"}, "Name the other model"),
    ],
)
def test_what_is_wrong_with_the_form(
    workspace: Workspace, changes: dict[str, object], message: str
) -> None:
    asked = form(**changes)
    with pytest.raises(UserError, match=message):
        asked.source(), asked.phones(), asked.name(studio(workspace))


def test_a_page_that_is_open_to_others_takes_no_folders(workspace: Workspace) -> None:
    away = studio(workspace, host="0.0.0.0", auth=("abebe", "secret"))
    with pytest.raises(UserError, match="not open to others"):
        form(model="other", other="owner/model").name(away)


def test_expected_words() -> None:
    assert ExpectedForm("  ", "am").words() == ()
    (word,) = ExpectedForm("ሰላም", "am").words()
    assert (word.text, word.phones) == ("ሰላም", ("s", "ə", "l", "a", "m"))
    assert len(ExpectedForm("s ə | l", "phones").words()) == 2
    with pytest.raises(UserError, match="5001 characters; the page reads 5000"):
        ExpectedForm("ሰ" * 5001, "am").words()
