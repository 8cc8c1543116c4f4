"""Where recordings are cut: at pauses, near the target length, and where their subtitles mean."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from amharic_tts.audio.speech import FRAME_SECONDS, SpeechTrack
from amharic_tts.dataset.cut_plan import Plan, plan, speech_spans
from amharic_tts.dataset.cut_settings import CutSettings, Cutting, read_cutting
from amharic_tts.dataset.rules import note
from amharic_tts.dataset.subtitles import Cue
from amharic_tts.errors import UserError

USUAL = CutSettings()


def track(
    *speech: tuple[float, float], seconds: float = 60.0, dips: tuple[float, ...] = ()
) -> SpeechTrack:
    """What would be heard where there is speech in these places, quieter at the dips."""
    frames = round(seconds / FRAME_SECONDS)
    sure, quiet = np.zeros(frames, np.uint8), np.full(frames, 160, np.uint8)
    for start, end in speech:
        here = slice(round(start / FRAME_SECONDS), round(end / FRAME_SECONDS))
        sure[here], quiet[here] = 250, 40
    for at in dips:
        quiet[round(at / FRAME_SECONDS)] = 90
    return SpeechTrack(sure, quiet, seconds)


def rounded(made: Plan) -> list[tuple[float, float]]:
    return [(round(cue.start, 1), round(cue.end, 1)) for cue in made.cues]


def test_pieces_are_joined_near_the_target_and_cut_in_the_longest_pauses() -> None:
    heard = track((1, 4), (4.3, 7), (7.8, 10), (10.3, 14), (14.9, 18))
    made = plan(heard, [], [], USUAL)
    assert rounded(made) == [(0.9, 7.1), (7.7, 14.1), (14.8, 18.1)]
    assert [cue.text for cue in made.cues] == ["", "", ""]


def test_over_a_long_pause_nothing_is_joined() -> None:
    made = plan(track((1, 3), (4.5, 6)), [], [], USUAL)
    assert rounded(made) == [(0.9, 3.1), (4.4, 6.1)]


def test_the_padding_is_at_most_half_of_the_pause() -> None:
    settings = CutSettings(padding=0.5, longest=5, target=4)
    made = plan(track((1, 5), (5.4, 9)), [], [], settings)
    # Frames last 32 ms, so the pause is cut at its middle within one of them.
    assert made.cues[0].end == pytest.approx(5.2, abs=0.04)
    assert made.cues[0].end == pytest.approx(made.cues[1].start)


def test_speech_without_a_pause_is_cut_at_its_quietest_moment_and_told() -> None:
    made = plan(track((1, 18), dips=(8.7,)), [], [], USUAL)
    assert made.forced == 1
    assert made.cues[0].end == made.cues[1].start == pytest.approx(8.7, abs=0.04)
    assert [[n["code"] for n in cue.notes] for cue in made.cues] == [["forced_cut"], ["forced_cut"]]


def test_a_forced_cut_never_goes_through_a_known_word() -> None:
    words = [(1 + n * 0.7, 1.65 + n * 0.7) for n in range(24)]
    made = plan(track((1, 17.8), dips=(8.9,)), [], words, USUAL)
    for cue in made.cues:
        assert not any(s < at < e for s, e in words for at in (cue.start, cue.end))


@pytest.mark.parametrize("length", [11.5, 23.0, 55.0])
def test_no_clip_is_longer_than_it_may_be(length: float) -> None:
    made = plan(track((1, 1 + length)), [], [], USUAL)
    assert all(cue.end - cue.start <= USUAL.longest + 1e-6 for cue in made.cues)
    assert made.cues[0].start < 1 and made.cues[-1].end > length
    assert all(
        a.end == pytest.approx(b.start) for a, b in zip(made.cues, made.cues[1:], strict=False)
    )


def test_a_short_noise_is_no_speech() -> None:
    assert speech_spans(track((2, 2.05), (3, 4)), USUAL) == [
        (pytest.approx(3, abs=0.04), pytest.approx(4, abs=0.04))
    ]


def test_silence_gives_no_clip() -> None:
    assert plan(track(), [], [], USUAL) == Plan([], [])
    assert (
        plan(SpeechTrack(np.zeros(0, np.uint8), np.zeros(0, np.uint8), 0.0), [], [], USUAL).cues
        == []
    )


def cues(*rows: tuple[float, float, str]) -> list[Cue]:
    return [Cue(n, start, end, text) for n, (start, end, text) in enumerate(rows, 1)]


def test_the_ends_of_subtitles_are_moved_to_the_speech() -> None:
    heard = track((1, 4), (5, 8))
    given = cues((1.3, 3.6, "አንድ።"), (4.2, 8.6, "ሁለት።"))
    made = plan(heard, given, [], USUAL)
    assert rounded(made) == [(0.9, 4.1), (4.9, 8.1)]
    assert made.moved == 2


def test_the_tail_of_the_speech_before_is_left_to_it() -> None:
    heard = track((1, 4), (5, 8))
    given = cues((1, 3.5, "አንድ።"), (3.9, 8.0, "ሁለት።"))
    assert rounded(plan(heard, given, [], USUAL)) == [(0.9, 4.1), (4.9, 8.1)]


def test_short_subtitles_of_one_sentence_are_joined() -> None:
    heard = track((1, 3), (3.2, 5), (6, 8))
    given = cues((1, 3, "ሰላም፣ እንዴት"), (3.2, 5, "ነህ?"), (6, 8, "ደህና።"))
    made = plan(heard, given, [], USUAL)
    assert [cue.text for cue in made.cues] == ["ሰላም፣ እንዴት ነህ?", "ደህና።"]
    assert made.joined == 1
    apart = plan(heard, given, [], dataclasses.replace(USUAL, merge=False))
    assert [cue.text for cue in apart.cues] == [cue.text for cue in given]


def test_subtitles_are_joined_where_the_speech_goes_through() -> None:
    made = plan(track((1, 5)), cues((1, 3, "አንድ።"), (3, 5, "ሁለት።")), [], USUAL)
    assert [cue.text for cue in made.cues] == ["አንድ። ሁለት።"]


@pytest.mark.parametrize(
    "other",
    [
        Cue(2, 3, 5, "b", speaker="አበበ"),
        Cue(2, 5.5, 7, "b"),
        Cue(2, 3, 13.5, "b"),
        Cue(2, 3, 5, "b" * 200),
        Cue(2, 3, 5, "b", notes=(note("overlapping_cue", "x"),)),
        Cue(2, 3, 5, "", notes=(note("empty_cue", "x"),)),
    ],
    ids=["speaker", "far", "long", "characters", "overlap", "empty"],
)
def test_what_does_not_belong_together_is_not_joined(other: Cue) -> None:
    made = plan(track((1, 14)), [Cue(1, 1, 3, "a"), other], [], USUAL)
    assert made.joined == 0
    if other.notes:
        assert made.cues[1] == other


def test_known_words_are_never_cut() -> None:
    words = [(1.0, 1.9), (1.9, 2.6), (2.6, 3.4), (3.4, 4.2)]
    given = cues((1.2, 2.5, "አንድ ሁለት።"), (2.7, 4.0, "ሦስት አራት።"))
    settings = dataclasses.replace(USUAL, merge=False)
    made = plan(track((1, 4.2)), given, words, settings)
    assert made.cues[0].end == made.cues[1].start == 2.6
    assert rounded(made) == [(0.9, 2.6), (2.6, 4.3)]


def test_subtitles_over_silence_stay_as_they_are() -> None:
    given = cues((30, 33, "ሙዚቃ"))
    assert plan(track((1, 4)), given, [], USUAL).cues == given


def test_exact_changes_nothing() -> None:
    given = cues((1.3, 3.6, "አንድ"))
    assert plan(track((1, 4)), given, [], CutSettings(mode="exact")).cues == given


def test_clips_never_overlap_whatever_the_subtitles_say() -> None:
    heard = track((1, 4), (4.4, 9), (9.5, 12), (13, 20))
    rows = [(1 + 1.1 * n, 2.1 + 1.1 * n, "ቃል") for n in range(16)]
    made = plan(heard, cues(*rows), [], USUAL)
    for one, other in zip(made.cues, made.cues[1:], strict=False):
        assert one.end <= other.start + 1e-6
    assert sum(len(cue.text.split()) for cue in made.cues) == 16


def test_settings_come_back_from_their_file(tmp_path: Path) -> None:
    own = {"ንግግር «1».mp4": CutSettings(target=5.0, pause=0.4)}
    cutting = Cutting(CutSettings(longest=10.0), own)
    (tmp_path / "cuts.json").write_text(cutting.to_text(), encoding="utf-8")
    assert read_cutting(tmp_path / "cuts.json") == cutting
    assert cutting.of("ንግግር «1».mp4").target == 5.0
    assert cutting.of("b.mp4").longest == 10.0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("nonsense", "is not JSON"),
        ([], "should be an object with"),
        ({"defualt": {}}, "should be an object with"),
        ({"default": {"traget": 3}}, "has no setting `traget`"),
        ({"default": {"target": "3"}}, "`target` is `3`, not a float"),
        ({"default": {"merge": 1}}, "`merge` is `1`, not a bool"),
        (
            {"recordings": {"a.wav": {"target": 30}}},
            "cutting of `a.wav`: shortest, target, longest",
        ),
        ({"recordings": []}, "`recordings` should be an object"),
        ({"recordings": {"a": 3}}, "`a` should be an object of settings"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, body: object, message: str) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    (tmp_path / "cuts.json").write_text(text)
    with pytest.raises(UserError, match=message):
        read_cutting(tmp_path / "cuts.json")


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = CutSettings("x", -1, 90, 5, 0, 20, 3, 2, True, 1)
    assert len(wrong.problems()) == 6
