"""The words of the screen: every language has the same keys, and the code asks for none else."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from amharic_tts.errors import StudioError, UserError
from amharic_tts.ui import words

UI = Path(words.__file__).parent
# Keys that the code puts together, such as f"state.{job.state()}".
PREFIX = re.compile(r"""f?["']([a-z0-9_]+(?:\.[a-z0-9_]+)*\.)(?:["'] \+|\{)""")
KEY = re.compile(r"""(?:say|words)\(\s*["']([a-z0-9_.-]+)["']""")


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def source() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in UI.rglob("*.py"))


def test_english_and_amharic_have_the_same_keys_and_the_same_gaps_to_fill() -> None:
    english, amharic = words.load("en").table, words.load("am").table
    assert set(english) == set(amharic)
    assert {k for k in english if names(english[k]) != names(amharic[k])} == set()
    assert all(text.strip() for text in [*english.values(), *amharic.values()])


def test_every_key_in_the_code_has_words() -> None:
    table, asked = words.load("en").table, set(KEY.findall(source()))
    assert len(asked) > 80
    assert {key for key in asked if key not in table and not key.endswith(".")} == set()


def test_no_words_are_left_over() -> None:
    code = source()
    prefixes = set(PREFIX.findall(code))
    unused = {
        key
        for key in words.load("en").table
        if f'"{key}"' not in code and f"'{key}'" not in code
        if not key.startswith(tuple(prefixes))
    }
    assert unused == set()


def test_amharic_is_written_in_amharic() -> None:
    table = words.load("am").table
    latin = {key for key, text in table.items() if not re.search("[ሀ-፿]", text)}
    kept = ("train.base.xtts-v2", "train.choice.", "train.field.use_flash_attention")
    assert {key for key in latin if not key.startswith(kept)} == set()


def test_words_are_filled_in() -> None:
    assert words.load("en")("time.minutes", m=3, s=5) == "3 min 5 s"
    assert words.languages() == {"en": "English", "am": "አማርኛ"}


def test_missing_words_name_the_file_and_the_key() -> None:
    with pytest.raises(StudioError, match=r"ui/text/en.toml: no words for `nothing.here`"):
        words.load("en")("nothing.here")
    with pytest.raises(StudioError, match="`time.left`"):
        words.load("en")("time.left", other=1)


@pytest.mark.parametrize("code", ["xx", "../en", "", "en.toml"])
def test_an_unknown_language_names_the_known_ones(code: str) -> None:
    with pytest.raises(UserError) as caught:
        words.load(code)
    assert caught.value.hint == "Choose one of: am, en"


def test_errors_in_a_file_name_the_line() -> None:
    with pytest.raises(StudioError, match=r"ui/text/xx.toml: .*line 2"):
        words.parse('a = "b"\nc = oops', "xx.toml")
    with pytest.raises(StudioError, match=r"ui/text/xx.toml, line 4: `job.n` is not text"):
        words.parse('n = "x"\n[job]\na = "b"\nn = 3\n', "xx.toml")
