"""Commands: dataset clips, dataset edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from amharic_tts.commands import output
from amharic_tts.dataset.edits import Bulk, Editor, bulk
from amharic_tts.dataset.journal import Edit
from amharic_tts.dataset.manifest import Utterance
from amharic_tts.dataset.table import COLUMNS, DECISIONS, PAGE_ROWS, ClipTable, Query
from amharic_tts.dataset.textfile import read_text
from amharic_tts.dataset.wording import counted
from amharic_tts.errors import UserError
from amharic_tts.workspace import Workspace

BY = "command line"

Name = Annotated[str, typer.Argument(help="Name of the dataset.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file to `dataset`."""
    app.command("clips")(_clips)
    app.command("edit")(_edit)


def _table(context: typer.Context, name: str) -> ClipTable:
    workspace = Workspace.open(context.obj)
    table = ClipTable(workspace.dataset(name), workspace.cache)
    for event in table.refresh():
        output.event(event)
    return table


def _clips(
    context: typer.Context,
    name: Name,
    search: Annotated[str, typer.Option(help="Part of the text or of the clip's name.")] = "",
    finding: Annotated[str, typer.Option(help="Only clips with this finding.")] = "",
    decision: Annotated[str, typer.Option(help=f"Only these: {', '.join(DECISIONS)}.")] = "",
    speaker: Annotated[str, typer.Option(help="Only this speaker's.")] = "",
    split: Annotated[str, typer.Option(help="Only these: train or eval.")] = "",
    sort: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(COLUMNS)}, a measure such as peak_db, or value (of the finding)."
        ),
    ] = "order",
    descending: Annotated[bool, typer.Option("--descending", help="The largest first.")] = False,
    page: Annotated[int, typer.Option(help="Which page.")] = 1,
    size: Annotated[int, typer.Option(help="Clips on a page.")] = PAGE_ROWS,
    json: Json = False,
) -> None:
    """Show a page of a dataset's clips, sorted, filtered and searched."""
    query = Query(search, finding, decision, speaker, split, sort, descending, page, size)
    found = _table(context, name).page(query)
    if json:
        rows = [row.fields() for row in found.rows]
        output.as_json({"total": found.total, "pages": found.pages, "rows": rows})
        return
    for row in found.rows:
        decided = "accepted" if row.accepted else "REFUSED"
        codes = ", ".join(item["code"] for item in row.findings)
        output.data(f"{row.id:24} {row.duration:6.2f} {decided}  {row.text}  {codes}".rstrip())
    output.note(f"page {found.number} of {found.pages}, {found.total} clips")


def _edit(
    context: typer.Context,
    name: Name,
    clips: Annotated[list[str] | None, typer.Argument(help="Which clips.", metavar="CLIP")] = None,
    text: Annotated[str | None, typer.Option(help="The clip's new text.")] = None,
    ends: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Start and end in seconds of the sound that the clip was cut from."),
    ] = None,
    split: Annotated[float | None, typer.Option(help="Make two clips at this second.")] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Make one clip of these.")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Take them back.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Leave them out.")] = False,
    why: Annotated[str, typer.Option(help="With --reject: the reason, in words.")] = "",
    where: Annotated[
        str, typer.Option(help="With --accept or --reject: all clips with this finding.")
    ] = "",
    ids: Annotated[
        Path | None,
        typer.Option(help="With --accept or --reject: a file with a clip's name on each line."),
    ] = None,
    speaker: Annotated[str | None, typer.Option(help="Whose voice they are.")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the last edit of the command line back.")
    ] = False,
    json: Json = False,
) -> None:
    """Decide about clips; every decision is written at once and can be undone."""
    chosen = list(clips or ())
    table = _table(context, name)
    editor = Editor(table.dataset, table, BY)
    asked: dict[str, Callable[[], Edit]] = {}
    if text is not None:
        asked["--text"] = lambda: editor.text(_one(chosen), text)
    if ends is not None:
        asked["--ends"] = lambda: editor.ends(_one(chosen), *ends)
    if split is not None:
        asked["--split"] = lambda: editor.split(_one(chosen), split)
    if speaker is not None:
        asked["--speaker"] = lambda: editor.speaker(chosen, speaker)
    if merge:
        asked["--merge"] = lambda: editor.merge(chosen)
    if accept:
        asked["--accept"] = lambda: editor.accept(chosen)
    if reject:
        asked["--reject"] = lambda: editor.reject(chosen, why)
    if undo:
        asked["--undo"] = editor.undo
    if len(asked) != 1:
        given = f"; you gave {', '.join(asked)}" if asked else ""
        raise UserError(f"Say one thing to do{given}", "Such as --text, --reject or --undo")
    if where or ids is not None:
        if chosen or (where and ids is not None) or not (accept or reject):
            raise UserError(
                "--where and --ids say which clips --accept or --reject is about, each alone",
                "Name clips, or give --where FINDING, or --ids FILE",
            )
        rows = _with_finding(table, where) if ids is None else _listed(table, ids)
        _told_of_many(editor, bulk("accept" if accept else "reject", rows, why), json)
        return
    if not undo and not chosen:
        raise UserError("Name the clips", "See them with: amharic-tts dataset clips NAME")
    _told(next(iter(asked.values()))(), json)


def _with_finding(table: ClipTable, code: str) -> list[Utterance]:
    known = table.findings()
    if code not in known:
        listed = ", ".join(f"{name} ({count})" for name, count in known.items())
        raise UserError(f"No clip has the finding `{code}`", f"There are: {listed or 'none'}")
    return table.found(Query(finding=code))


def _listed(table: ClipTable, file: Path) -> list[Utterance]:
    names = [line.strip() for line in read_text(file).split("\n")]
    rows = [table.row(name) for name in names if name]
    if not rows:
        raise UserError(f"`{file}` names no clips", "Write the name of one on each line")
    return rows


def _told_of_many(editor: Editor, plan: Bulk, json: bool) -> None:
    edit = editor.carry_out(plan)
    if json:
        left = {"unchanged": plan.unchanged, "barred": plan.barred}
        clips = [change.id for change in edit.changes]
        output.as_json({"edit": edit.n, "kind": edit.kind, "clips": clips, **left})
        return
    for id, why in plan.barred.items():
        output.note(f"`{id}` stays as it is: {why}")
    if plan.unchanged:
        were = "was" if plan.unchanged == 1 else "were"
        output.note(f"{counted(plan.unchanged, 'clip')} {were} so already")
    output.data(f"{edit.kind}: {counted(len(edit.changes), 'clip')}")
    output.note(f"edit {edit.n}, written; take it back with --undo")


def _one(clips: list[str]) -> str:
    if len(clips) != 1:
        raise UserError(f"This is done with one clip, and you named {len(clips)}")
    return clips[0]


def _told(edit: Edit, json: bool) -> None:
    changed = [change.id for change in edit.changes]
    if json:
        output.as_json({"edit": edit.n, "kind": edit.kind, "clips": changed})
        return
    output.data(f"{edit.kind}: {', '.join(changed)}")
    output.note(f"edit {edit.n}, written; take it back with --undo")


def job_target(job: Path | None, to: Path | None, name: str) -> Path:
    """Return where an export goes: where the person said, or into the folder of its job.

    Raises:
        UserError: Neither is there.
    """
    if to is not None:
        return to
    if job is None:
        raise UserError("Say where it should go", "With --to FOLDER, or --to FILE.zip with --zip")
    return job / name
