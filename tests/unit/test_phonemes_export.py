"""Recognitions on paper: whole files in every form."""

from __future__ import annotations

import json

from amharic_tts.phonemes import export
from amharic_tts.phonemes.result import Phone, Recognition

FOUND = Recognition(
    (
        Phone("h", 0.1, 0.2, 0.91234, 0),
        Phone("aɪ", 0.2, 0.45, 1.0, 0),
        Phone('"', 0.6, 0.7, 0.5, 1),
    ),
    "test-1",
    "ipa",
    ("en",),
    1.0,
)
EMPTY = Recognition((), "test-1", "ipa", ("en",), 0.0, ("no phone was heard",))

TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.000000
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.000000
        intervals: size = 5
        intervals [1]:
            xmin = 0.000000
            xmax = 0.100000
            text = ""
        intervals [2]:
            xmin = 0.100000
            xmax = 0.450000
            text = "h aɪ"
        intervals [3]:
            xmin = 0.450000
            xmax = 0.600000
            text = ""
        intervals [4]:
            xmin = 0.600000
            xmax = 0.700000
            text = "\"\""
        intervals [5]:
            xmin = 0.700000
            xmax = 1.000000
            text = ""
"""


def test_text_and_csv() -> None:
    assert export.to_text([("a", FOUND), ("b", EMPTY)]) == 'h aɪ | "\n\n'
    assert export.to_csv([("a,b.wav", FOUND)]) == (
        "audio,phone,start,end,confidence,word\n"
        '"a,b.wav",h,0.100,0.200,0.9123,0\n'
        '"a,b.wav",aɪ,0.200,0.450,1.0000,0\n'
        '"a,b.wav","""",0.600,0.700,0.5000,1\n'
    )


def test_json() -> None:
    first, second = json.loads(export.to_json([("a.wav", FOUND), ("b.wav", EMPTY)]))
    assert first["audio"] == "a.wav"
    assert first["phones"][0] == {
        **{"phone": "h", "start": 0.1, "end": 0.2, "confidence": 0.9123},
        "runners_up": [],
    }
    assert first["words"][0] == {"start": 0.1, "end": 0.45, "phones": ["h", "aɪ"]}
    assert (first["notation"], first["languages"], first["model"]) == ("ipa", ["en"], "test-1")
    assert (second["phones"], second["notes"]) == ([], ["no phone was heard"])


def test_textgrid() -> None:
    assert export.to_textgrid(FOUND).startswith(TEXTGRID.replace('"\\"\\""', '""""'))
    assert 'name = "phones"' in export.to_textgrid(FOUND)
    assert "intervals: size = 1" in export.to_textgrid(EMPTY)


def test_there_and_back() -> None:
    item = {"audio": "a.wav", **FOUND.to_dict(), "more": 1}
    again = export.from_dict(item)
    assert again.to_dict() == FOUND.to_dict()
    assert [phone.word for phone in again] == [0, 0, 1]
    assert export.from_dict(EMPTY.to_dict()) == EMPTY


def test_fewer_runners_up() -> None:
    phone = Phone("a", 0.0, 0.1, 0.5, 0, (("e", 0.3), ("i", 0.1)))
    found = Recognition((phone,), "test-1", "ipa", ("en",), 1.0)
    assert export.limited(found, None) is found
    assert export.limited(found, 1).phones[0].runners_up == (("e", 0.3),)
    assert export.limited(found, 0).phones[0].runners_up == ()


def test_every_form_has_an_ending() -> None:
    assert set(export.WRITERS) == set(export.ENDINGS)
    assert export.WRITERS["textgrid"]([("a", FOUND)]) == export.to_textgrid(FOUND)
