"""Which recordings and texts a build finds, and what it says about the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amharic_tts.dataset.sources import Collection, collect
from amharic_tts.errors import UserError


def place(folder: Path, *names: str, text: str = "") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def clips(found: Collection) -> list[tuple[str, str, str]]:
    """Name, file or reasons, text."""
    return [(c.name, c.source if c.audio else c.notes[0]["code"], c.text) for c in found.clips]


def told(found: Collection) -> list[tuple[str, str]]:
    return [(f.code, f.level) for f in found.findings]


def test_a_folder_with_a_table(tmp_path: Path) -> None:
    place(tmp_path, "wavs/a.wav", "wavs/b.flac", "more/c.mp3", ".hidden/d.wav")
    place(tmp_path, "metadata.csv", text="a|x\nb.wav|y\nwavs/a.wav|z\nnone|w\n")
    found = collect([tmp_path])
    assert clips(found) == [
        ("a", "wavs/a.wav", "x"),
        ("b", "wavs/b.flac", "y"),
        ("wavs/a", "wavs/a.wav", "z"),
        ("none", "missing_audio", "w"),
    ]
    assert told(found) == [
        ("transcript_found", "info"),
        ("columns", "info"),
        ("not_in_table", "warning"),
    ]
    assert found.findings[-1].message == (
        "1 recording not named in the table, left out: `more/c.mp3`"
    )
    assert found.clips[3].notes[0]["message"] == "metadata.csv line 4: there is no recording `none`"


def test_the_folder_in_a_name_counts(tmp_path: Path) -> None:
    place(tmp_path, "anna/1.wav", "bela/1.wav", "cleo/2.wav")
    table = "anna/1|x\nset/bela/1.wav|y\n1|z\ndora/2|w\ncleo\\2.wav|v\n"
    place(tmp_path, "metadata.txt", text=table)
    assert clips(collect([tmp_path])) == [
        ("anna/1", "anna/1.wav", "x"),
        ("set/bela/1", "bela/1.wav", "y"),
        ("1", "ambiguous_audio", "z"),
        ("dora/2", "missing_audio", "w"),
        ("cleo\\2", "cleo/2.wav", "v"),
    ]


def test_names_outside_the_folder_are_refused(tmp_path: Path) -> None:
    place(tmp_path, "secret.wav", "data/a.wav")
    table = f"../secret.wav|x\n{tmp_path}/secret.wav|y\nC:\\secret.wav|z\n{tmp_path}/data/a.wav|w\n"
    place(tmp_path / "data", "metadata.csv", text=table)
    assert [c[1] for c in clips(collect([tmp_path / "data"]))] == [
        "outside_folder",
        "outside_folder",
        "outside_folder",
        "a.wav",
    ]


def test_several_tables_need_a_choice(tmp_path: Path) -> None:
    place(tmp_path, "a.wav")
    place(tmp_path, "metadata.csv", "train.tsv", text="a|x\n")
    with pytest.raises(UserError, match=r"several transcript tables: .*metadata.csv.*train.tsv"):
        collect([tmp_path])
    assert clips(collect([tmp_path], transcript=tmp_path / "train.tsv")) == [("a", "a.wav", "x")]


def test_a_train_and_eval_pair_keeps_its_split(tmp_path: Path) -> None:
    place(tmp_path, "wavs/a.wav", "wavs/b.wav")
    for part, name in (("train", "a"), ("eval", "b")):
        text = f"audio_file|text|speaker_name\nwavs/{name}.wav|x|anna\n"
        place(tmp_path, f"metadata_{part}.csv", text=text)
    assert [(c.source, c.split) for c in collect([tmp_path]).clips] == [
        ("wavs/a.wav", "train"),
        ("wavs/b.wav", "eval"),
    ]


def test_files_one_by_one(tmp_path: Path) -> None:
    place(tmp_path, "up1/a.wav", "up2/b.wav", "up3/a.wav")
    place(tmp_path, "up4/list.csv", text="wavs/a.wav|x\nb|y\n")
    uploads = [tmp_path / n for n in ("up1/a.wav", "up2/b.wav", "up4/list.csv")]
    assert clips(collect(uploads)) == [("wavs/a", "a.wav", "x"), ("b", "b.wav", "y")]
    both = collect([*uploads, tmp_path / "up3/a.wav"])
    assert clips(both)[0] == ("wavs/a", "a.wav", "x")
    assert [f.message for f in both.findings if f.code == "not_in_table"] == [
        "1 recording not named in the table, left out: `a-2.wav`"
    ]


CUES = "00:00:01,0 --> 00:00:02,0\nሰላም\n\n00:00:03,0 --> 00:00:04,0\nደህና\n"


def test_subtitles_beside_a_recording(tmp_path: Path) -> None:
    place(tmp_path, "talk.mp4", "other.mp4", "sub/deep.mp3")
    place(tmp_path, "talk.am.srt", "sub/deep.vtt", text=CUES)
    found = collect([tmp_path])
    assert [(r.source, len(r.cues)) for r in found.recordings] == [
        ("talk.mp4", 2),
        ("sub/deep.mp3", 2),
    ]
    assert [(f.code, f.subject) for f in found.findings] == [
        ("no_text", "other.mp4"),
        ("subtitles_found", "talk.mp4"),
        ("subtitles_found", "sub/deep.mp3"),
    ]


def test_several_subtitles_need_a_choice(tmp_path: Path) -> None:
    place(tmp_path, "talk.mp4")
    place(tmp_path, "talk.am.srt", "talk.en.srt", text=CUES)
    with pytest.raises(UserError, match=r"talk.mp4` has several subtitle files: `talk.am.srt`"):
        collect([tmp_path])
    found = collect([tmp_path / "talk.mp4"], subtitles=tmp_path / "talk.am.srt")
    assert [r.source for r in found.recordings] == ["talk.mp4"]


def test_subtitles_of_another_name(tmp_path: Path) -> None:
    place(tmp_path, "talk.mp4", "b.mp4")
    place(tmp_path, "words.srt", text=CUES)
    found = collect([tmp_path / "talk.mp4", tmp_path / "words.srt"])
    assert [r.source for r in found.recordings] == ["talk.mp4"]
    with pytest.raises(UserError, match=r"belongs to one recording, and the sources hold 2"):
        collect([tmp_path], subtitles=tmp_path / "words.srt")


def test_a_table_and_subtitles_in_one_folder(tmp_path: Path) -> None:
    place(tmp_path, "a.wav", "talk.wav")
    place(tmp_path, "metadata.csv", text="a|x\n")
    place(tmp_path, "talk.srt", text=CUES)
    found = collect([tmp_path])
    assert (found.rows, clips(found)) == (3, [("a", "a.wav", "x")])
    assert "not_in_table" not in [f.code for f in found.findings]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.wav", "b.wav"), "No text was found for `a.wav`, `b.wav`"),
        ((), "No recordings were found in"),
        (("notes.md",), "No recordings were found in"),
    ],
)
def test_nothing_to_build_from(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    place(tmp_path, *names)
    with pytest.raises(UserError, match=message):
        collect([tmp_path])


def test_a_missing_source(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file or folder `.*nowhere`"):
        collect([tmp_path / "nowhere"])


def test_names_in_two_spellings_of_unicode(tmp_path: Path) -> None:
    place(tmp_path, "cafe\u0301 ድምፅ.wav")
    place(tmp_path, "metadata.csv", text="caf\u00e9 ድምፅ|x\n")
    assert clips(collect([tmp_path])) == [("caf\u00e9 ድምፅ", "caf\u00e9 ድምፅ.wav", "x")]


def test_links_out_of_the_folder_are_left_out_and_told(tmp_path: Path) -> None:
    place(tmp_path, "secret.wav", "away/b.wav", "data/a.wav", "data/more/c.wav")
    data = tmp_path / "data"
    (data / "secret.wav").symlink_to(tmp_path / "secret.wav")
    (data / "away").symlink_to(tmp_path / "away")
    (data / "circle").symlink_to(data)
    (data / "inside.wav").symlink_to("more/c.wav")
    (data / "nowhere.wav").symlink_to("gone.wav")
    place(data, "metadata.csv", text="a|x\nsecret|y\naway/b.wav|z\ninside|w\nnowhere|v\n")
    found = collect([data])
    assert clips(found) == [
        ("a", "a.wav", "x"),
        ("secret", "missing_audio", "y"),
        ("away/b", "missing_audio", "z"),
        ("inside", "inside.wav", "w"),
        ("nowhere", "missing_audio", "v"),
    ]
    assert [f.message for f in found.findings if f.code == "link_outside"] == [
        "3 links out of the folder or to nothing, not followed: `away`, `nowhere.wav`, `secret.wav`"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "ድምፅ ፩ (የመጀመሪያ).wav",
        "a  b.wav",
        'it\'s "quoted".wav',
        "ቃ" * 80 + ".wav",
        "-n.wav",
        "%00 $HOME `x` {a}.wav",
        "a|b.wav",
    ],
)
def test_names_of_every_kind(tmp_path: Path, name: str) -> None:
    place(tmp_path, f"ስ {name[:5]}/{name}")
    place(tmp_path, "metadata.jsonl", text=json.dumps({"file_name": name, "text": "x"}))
    assert clips(collect([tmp_path])) == [(name[:-4], f"ስ {name[:5]}/{name}", "x")]


def test_a_name_of_300_characters_in_a_table_is_missing_and_no_crash(tmp_path: Path) -> None:
    place(tmp_path, "a.wav")
    place(tmp_path, "metadata.csv", text=f"{'x' * 300}.wav|x\na|y\n")
    assert [clip[1] for clip in clips(collect([tmp_path]))] == ["missing_audio", "a.wav"]


def test_subtitles_with_odd_names_belong_to_their_recording(tmp_path: Path) -> None:
    place(tmp_path, "ንግግር «1» it's.mp4", "b.mp4")
    place(tmp_path, "ንግግር «1» it's.am.vtt", text="WEBVTT\n\n" + CUES)
    assert [r.source for r in collect([tmp_path]).recordings] == ["ንግግር «1» it's.mp4"]
