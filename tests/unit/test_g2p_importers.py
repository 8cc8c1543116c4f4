"""Lists of others as lexicons: tiny made-up files of each format, whole results."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from amharic_tts.commands import g2p, phonemes
from amharic_tts.errors import UserError
from amharic_tts.g2p import importers
from amharic_tts.g2p.lexicon import Lexicon

# The words are made up; only the shapes of the files are those of the lists.
FILES = {
    "gff-table": (
        "Word\tGeminated\tTransliteration\n"
        "ለመቀ\tለመ፟ቀ\tlämmäqä\ta remark\n"
        '"ቦፋል"\t"ቦፋል"\tbofal\t"a stray quote\n'
        "ቦፋል\tቦፋ፟ል\tboffal\n"
        "ለጸ\tለፀ፟\tläṣṣä\n"
        "ኩኩ\n"
        "\t\tlost\n",
        {"ለመቀ": "ləmːəkʼə", "ቦፋል": "bofal"},
        [("ቦፋል", "ቦፋ፟ል")],
        [
            (5, "`ለፀ፟` is not a spelling of `ለጸ`"),
            (6, "it has no second column with the marked spelling"),
        ],
    ),
    "gff-marked": (
        "A head\n12 ለመ፟ቀ፥ ቦፋል፤ ኩሉ፟ን (see ለመ፟ቀ)\n\nቦፋ፟ል\n",
        {"ለመቀ": "ləmːəkʼə", "ኩሉን": "kulːun", "ቦፋል": "bofːal"},
        [],
        [],
    ),
    "hornmorpho": (
        "# a comment\nቦ/ፋል  [pos=n]\nለመ/ቀ\nኩሉን ''\nቦ/ፋል\nsu/ba x\nለመ/\nባለ//ቤት\n",
        {"ቦፋል": "bofːal", "ለመቀ": "ləməkʼːə", "ኩሉን": "kulun"},
        [],
        [
            (6, "`su/ba` is not one stem in Ethiopic letters"),
            (7, "`ለመ/` is not one stem in Ethiopic letters"),
            (8, "`ባለ//ቤት` is not one stem in Ethiopic letters"),
        ],
    ),
    "wikipron": (
        "ቦፋል\tb o fː a l\nኩርን\tkʰ u ɾ ɾ ɨ n\nቦፋል\tb o f a l\nጠጨ\ttʼ ə t͡ʃʼ ə\nቦ ፋ\tb o\nለ\tl æ\nቀ\n",
        {"ቦፋል": "bofːal", "ኩርን": "kurːɨn", "ጠጨ": "tʼətʃʼə"},
        [("ቦፋል", "b o f a l")],
        [
            (5, "`ቦ ፋ` is not one Ethiopic word without marks"),
            (6, "`æ` in `l æ`: no phone of Amharic"),
            (7, "it has no second column with phonemes"),
        ],
    ),
    "charsiu": (
        "ቦፋል\t/bˈofal/\nጸለ\t/tsˈələ/, /tsˈelə/\n",
        {"ቦፋል": "bofal", "ጸለ": "sʼələ"},
        [("ጸለ", "sʼelə")],
        [],
    ),
}


@pytest.mark.parametrize("form", FILES)
def test_formats(form: str) -> None:
    text, readings, others, skipped = FILES[form]
    kind = importers.get(form)
    found = importers.read(kind, text.splitlines(keepends=True))
    assert (found.others, found.skipped) == (others, skipped)
    lines = importers.lexicon_text(kind, "list.tsv", found)
    lexicon = Lexicon.parse(lines.split("\n"), "made")
    assert {word: lexicon.get(word) for word in found.readings} == readings
    assert ("machine-made" in lines) == (form == "charsiu")


def test_a_table_with_commas() -> None:
    kind = importers.get("gff-table")
    found = importers.read(kind, ["ለመቀ,ለመ፟ቀ,lämmäqä", '"ቦፋል","ቦፋ፟ል","a, b"'])
    assert found.readings == {"ለመቀ": "ለመ፟ቀ", "ቦፋል": "ቦፋ፟ል"}


def test_unknown_formats_are_named_with_those_there_are() -> None:
    with pytest.raises(UserError) as caught:
        importers.get("cmudict")
    assert caught.value.message == "There is no lexicon format `cmudict`"
    assert caught.value.hint == (
        "The formats are `gff-table`, `gff-marked`, `hornmorpho`, `wikipron`, `charsiu`"
    )


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    g2p.register(app)
    phonemes.register(app)
    return app


def test_the_command_writes_a_lexicon_that_g2p_reads(app: typer.Typer, tmp_path: Path) -> None:
    source, out = tmp_path / "amh.tsv", tmp_path / "own" / "lexicon.tsv"
    source.write_text("ቦፋል\t/bˈofal/\nጸለ\t/tsˈələ/,/tsˈelə/\nx\ty\n", encoding="utf-8")
    args = ["g2p-lexicon", "import", "charsiu", str(source), "--out", str(out)]
    run = CliRunner().invoke(app, args)
    assert run.stdout == f"{out}: 2 words; 1 other readings kept as comments; 1 left out\n"
    assert run.stderr == (
        "line 3 left out: `x` is not one Ethiopic word without marks\n"
        "This list was written by a program: it is no better than that program\n"
    )
    assert out.read_text(encoding="utf-8") == (
        "# 2 words from `amh.tsv`: CharsiuG2P dictionary, written by espeak-ng\n"
        "# The licence of that list goes with this file.\n"
        "# Written by a program, not by people: no better than that program.\n"
        "ቦፋል\tbofal\tmachine-made\n"
        "ጸለ\tsʼələ\tmachine-made\n"
        "# Other readings of words above; only one can be used:\n"
        "# ጸለ\tsʼelə\tmachine-made\n"
    )
    checked = CliRunner().invoke(app, ["g2p-lexicon", "check", str(out)])
    assert checked.stdout == f"{out}: 2 words, {Lexicon.load(out).version}\n"
    spoken = CliRunner().invoke(app, ["g2p", "--lexicon", str(out)], input="ጸለ ቤት\n")
    assert spoken.stdout == "sʼələ bet\n"
    again = CliRunner().invoke(app, args)
    assert isinstance(again.exception, UserError)
    assert again.exception.message == f"`{out}` is there already"


def test_a_file_of_another_format_writes_nothing(app: typer.Typer, tmp_path: Path) -> None:
    source, out = tmp_path / "list.txt", tmp_path / "out.tsv"
    source.write_text("no words here\n", encoding="utf-8")
    args = ["g2p-lexicon", "import", "gff-marked", str(source), "--out", str(out)]
    run = CliRunner().invoke(app, args)
    assert isinstance(run.exception, UserError)
    assert run.exception.message == f"No word was found in `{source}`"
    assert not out.exists()
