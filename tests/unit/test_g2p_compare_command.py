"""`amharic-tts g2p-compare`: a list by every backend in a table; and results that jobs keep."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from amharic_tts.commands import g2p_compare, g2p_eval
from amharic_tts.errors import UserError
from amharic_tts.events import Done, Finding, Progress
from amharic_tts.g2p import bulk, export, registry
from amharic_tts.g2p.base import Availability
from amharic_tts.g2p.espeak_backend import EspeakBackend
from amharic_tts.jobs import store, task
from amharic_tts.jobs.spec import JobSpec
from amharic_tts.workspace import Workspace

TEXT = "\ufeffሰላም\nጽሑፍ ቤት\tnote\n\n=2\r\n"


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text(TEXT, encoding="utf-8", newline="")
    return path


def absent() -> list[str]:
    return [one.name for one in registry.backends() if not one.availability().ok]


def run(*args: object, workspace: Path | None = None) -> Any:
    app = typer.Typer()
    g2p_compare.register(app)
    g2p_eval.register(app)
    result = CliRunner().invoke(app, list(map(str, args)), obj=workspace)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_table_of_a_list(listed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    said = run(
        *("g2p-compare", listed, "--out", out, "--backend", "rule_based", "--backend", "epitran")
    )
    assert said.stdout == (f"{out}: 3 rows by rule_based, epitran; they do not agree on 2\n")
    assert "further columns were not read, on 1 lines" in said.stderr
    with open(out, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["line", "text", "normalized", "rule_based", "epitran", "agree", "problems"],
        ["1", "ሰላም", "ሰላም", "səlam", "səlam", "yes", ""],
        ["2", "ጽሑፍ ቤት", "ጽሑፍ ቤት", "sʼɨhuf bet", "sʼhuf bet", "no", ""],
        [
            *("4", "'=2", "'=ሁለት", "'=hulətː", "'=hulət", "no"),
            "without a sound in Amharic: =",
        ],
    ]


def test_a_plain_table_and_the_users_words(listed: Path, tmp_path: Path) -> None:
    out, own = tmp_path / "out.tsv", tmp_path / "own.tsv"
    own.write_text("ቤት\tbetː\n", encoding="utf-8")
    said = run(
        *("g2p-compare", listed, "--out", out, "--backend", "rule-based", "--lexicon", own),
        "--json",
    )
    assert json.loads(said.stdout) == {
        **{"file": str(out), "rows": 3, "differ": 0},
        **{"backends": ["rule_based"], "unavailable": absent()},
    }
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[2] == "2\tጽሑፍ ቤት\tጽሑፍ ቤት\tsʼɨhuf betː\tyes\t"
    assert lines[3].startswith("4\t=2\t")


def test_what_does_not_work_here_is_said_once(listed: Path, tmp_path: Path) -> None:
    events = list(bulk.convert_list(bulk.ListRequest(listed, tmp_path / "out.csv")))
    told = [e for e in events if isinstance(e, Finding) and e.code == "g2p_unavailable"]
    assert [e.subject for e in told] == absent()
    assert any(isinstance(e, Progress) and e.total == 4 for e in events)
    assert isinstance(events[-1], Done)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xe1\x88\xb0\n\xff\n", "Line 2 of `list.txt` is not UTF-8"),
        (b" \n\n", "`list.txt` holds no text"),
        (b"", "`list.txt` holds no text"),
    ],
)
def test_a_bad_list_leaves_no_table(tmp_path: Path, content: bytes, message: str) -> None:
    source, out = tmp_path / "list.txt", tmp_path / "out.csv"
    source.write_bytes(content)
    with pytest.raises(UserError, match=message):
        run("g2p-compare", source, "--out", out, "--backend", "rule_based")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["list.txt"]


def test_wrong_names_are_said_first(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="There is no file"):
        run("g2p-compare", tmp_path / "none.txt", "--out", tmp_path / "out.csv")
    with pytest.raises(UserError, match=r"`out.xlsx` is no name of a table"):
        run("g2p-compare", listed, "--out", tmp_path / "out.xlsx")
    monkeypatch.setattr(EspeakBackend, "availability", lambda _: Availability(False, "x", "y"))
    with pytest.raises(UserError, match="`espeak` does not work here: x"):
        run("g2p-compare", listed, "--out", tmp_path / "out.csv", "--backend", "espeak")


def test_stopped_half_way_it_leaves_no_table(listed: Path, tmp_path: Path) -> None:
    events = bulk.convert_list(bulk.ListRequest(listed, tmp_path / "out.csv", ("rule_based",)))
    assert isinstance(next(events), Progress)
    events.close()  # type: ignore[attr-defined]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["list.txt"]


def test_a_measurement_as_a_job_keeps_its_result_in_a_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    gold = tmp_path / "gold.tsv"
    gold.write_text("ሕልም\th ɨ l m\nሰላም\ts ə l a m\n", encoding="utf-8")
    job = store.create(workspace, JobSpec("g2p-1", "task", "x", ["-m", "amharic_tts"]))
    run("g2p-eval", gold, "--backend", "epitran", "--job", job.folder, workspace=workspace.root)
    history = job.history()
    assert history.result == {"file": str(job.folder / task.RESULT)}
    result = json.loads((job.folder / task.RESULT).read_text(encoding="utf-8"))
    assert result["gold"] == {"name": "gold.tsv", "words": 2, "pronunciations": 2}
    rows = list(export.result_rows(result))
    version = result["backends"][0]["version"]
    assert rows[0] == ["epitran", version, "strict", "11.11", "50.00", 1, 9, 1, 2]
    assert list(export.mistake_rows(result)) == [
        ["epitran", version, "ሕልም", "hɨlm", "hɨlɨm", "epenthesis_wrong"]
    ]
    assert (len(export.RESULTS), len(export.MISTAKES)) == (len(rows[0]), 6)


def test_a_bad_gold_file_fails_the_job_with_its_line(workspace: Workspace, tmp_path: Path) -> None:
    gold = tmp_path / "gold.tsv"
    gold.write_text("ሕልም\th ɨ l m\nሰላም\n", encoding="utf-8")
    job = store.create(workspace, JobSpec("g2p-1", "task", "x", ["-m", "amharic_tts"]))
    with pytest.raises(UserError, match="line 2 has no tab"):
        run("g2p-eval", gold, "--job", job.folder, workspace=workspace.root)
    history = job.history()
    assert history.error is not None
    assert "line 2 has no tab" in history.error.message
