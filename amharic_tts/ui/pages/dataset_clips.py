"""Clips: the table of all clips, and the one that is open, to be heard, mended and decided on."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from amharic_tts.dataset.edits import Editor
from amharic_tts.dataset.journal import Edit
from amharic_tts.dataset.table import DECISIONS, ClipTable, Page, Query
from amharic_tts.errors import UserError
from amharic_tts.events import Progress
from amharic_tts.ui import clips_view as view
from amharic_tts.ui.handlers import wire
from amharic_tts.ui.pages.clips_bulk import BulkBox
from amharic_tts.ui.studio import Studio
from amharic_tts.ui.theme import ASSETS

PAGE_ROWS = 25


def build(studio: Studio, chosen: gr.Dropdown) -> ClipsPart:
    """Place the widgets in the current layout and wire them.

    Args:
        studio: Settings, workspace and words.
        chosen: The dataset's name, chosen once for all views of the page.
    """
    return ClipsPart(studio, chosen).build()


class ClipsPart:
    """Widgets and handlers of the clip table."""

    def __init__(self, studio: Studio, chosen: gr.Dropdown) -> None:
        self.studio, self.say, self.name = studio, studio.words, chosen
        self.bulk, self.query = BulkBox(self), _query

    def build(self) -> ClipsPart:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        self.wanted, self.tab = gr.State(""), gr.State("")
        self.selected, self.seen = gr.State(""), gr.State("")
        self.status = gr.HTML(elem_id="clips-status")
        with gr.Column(visible=False, elem_id="clips", elem_classes="card") as self.full:
            self._open_clip()
            self._filters()
            self.bulk.build()
            self.table = gr.HTML(
                elem_id="clips-table",
                js_on_load=(ASSETS / "clips.js").read_text(encoding="utf-8"),
            )
            with gr.Row(elem_classes="clip-pages"):
                self.page = gr.Number(
                    1, label=say("clips.page"), precision=0, minimum=1, elem_id="clips-page"
                )
                self.total = gr.HTML(elem_id="clips-total")
        self._wire()
        return self

    def _open_clip(self) -> None:
        say = self.say
        with gr.Column(visible=False, elem_id="clip", elem_classes="inset") as self.one:
            self.about = gr.HTML(elem_id="clip-about")
            self.figure = gr.HTML(
                elem_id="clip-figure",
                js_on_load=(ASSETS / "clip.js").read_text(encoding="utf-8"),
            )
            self.text = gr.Textbox(
                label=say("clips.text"), info=say("clips.text_help"), lines=2, elem_id="clip-text"
            )
            with gr.Row(elem_classes="clip-acts"):
                self.buttons = {
                    name: gr.Button(
                        say(f"clips.act.{name}"),
                        variant=variant,
                        size="md",
                        elem_id=f"clip-{name}",
                    )
                    for name, variant in (
                        ("save", "primary"),
                        ("accept", "secondary"),
                        ("reject", "secondary"),
                        ("merge", "secondary"),
                        ("undo", "secondary"),
                        ("previous", "secondary"),
                        ("next", "secondary"),
                    )
                }
            self.told = gr.HTML(elem_id="clip-told")
            gr.HTML(view.keys(say))

    def _filters(self) -> None:
        say = self.say
        decisions = [("clips.any", ""), *((f"clips.use.{name}", name) for name in DECISIONS)]
        with gr.Row(elem_classes="toolbar"):
            self.search = gr.Textbox(label=say("clips.search"), scale=2, elem_id="clips-search")
            self.finding = gr.Dropdown(
                [(say("clips.any"), "")], value="", label=say("clips.finding"), scale=2,
                elem_id="clips-finding",
            )  # fmt: skip
            self.decision = gr.Dropdown(
                [(say(key), name) for key, name in decisions],
                value="",
                label=say("clips.decision"),
                elem_id="clips-decision",
            )
            self.sort = gr.Dropdown(
                [(say("clips.sort.order"), "order")],
                value="order",
                label=say("clips.sort_by"),
                scale=2,
                elem_id="clips-sort",
            )
            self.down = gr.Checkbox(
                label=say("clips.down"), container=False, elem_id="clips-down", min_width=120
            )

    def _wire(self) -> None:
        say = self.say
        asked = [self.name, *self._form]
        wire(self.wanted.change, self.fill, say, [self.tab, *asked], self._filled)
        for widget in (self.finding, self.decision, self.sort, self.down):
            wire(widget.input, self.ask, say, [self.selected, *asked], self._listing)
        wire(self.search.submit, self.ask, say, [self.selected, *asked], self._listing)
        wire(self.search.blur, self.ask, say, [self.selected, *asked], self._listing)
        turned = [self.selected, self.page, *asked]
        wire(self.page.input, self.turn, say, turned, self._listing)
        wire(self.table.select, self.open, say, [self.name], self._clip)
        here = [self.tab, self.selected, self.text, self.seen, self.page, *asked]
        for name, button in self.buttons.items():
            wire(button.click, self._act(name), say, here, self._after)
        wire(self.figure.select, self.moved, say, here, self._after)
        self.bulk.connect(asked, [self.tab, self.selected, self.page], self._after)

    @property
    def _form(self) -> list[Any]:
        return [self.search, self.finding, self.decision, self.sort, self.down]

    @property
    def _listing(self) -> list[Any]:
        return [self.table, self.page, self.total, *self.bulk.outputs]

    @property
    def _clip(self) -> list[Any]:
        return [self.one, self.selected, self.seen, self.about, self.figure, self.text, self.told]

    @property
    def _after(self) -> list[Any]:
        return [*self._clip, *self._listing]

    @property
    def _filled(self) -> list[Any]:
        return [self.status, self.full, self.tab, self.finding, self.sort, *self._after]

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""
        return [self.wanted, self.status, self.full]

    def show(self, name: str | None) -> dict[Any, Any]:
        """Ask for the table of a dataset; `fill` brings it, with progress where it takes long."""
        if name is None:
            none = f'<p class="nothing">{self.say("dataset.no_dataset_yet")}</p>'
            return {self.wanted: "", self.status: none, self.full: gr.Column(visible=False)}
        return {self.wanted: f"{name} {time.time():.3f}"}

    def fill(self, tab: str, name: str | None, *form: Any) -> Iterator[dict[Any, Any]]:
        """Bring the table up to date and show its first page."""
        if not name:
            return
        known = self.known(name)
        for event in known.refresh():
            if isinstance(event, Progress):
                yield {self.status: view.making(event.done, event.total, self.say)}
        codes, sorts = view.codes(known, self.say), view.sorts(known, self.say)
        search, finding, decision, sort, down = form
        finding = finding if finding in [code for _, code in codes] else ""
        sort = sort if sort in [key for _, key in sorts] else "order"
        query = _query(1, search, finding, decision, sort, down)
        page = known.page(query)
        yield {
            self.status: "",
            self.full: gr.Column(visible=True),
            self.tab: tab or secrets.token_hex(4),
            self.finding: gr.Dropdown(choices=codes, value=finding),
            self.sort: gr.Dropdown(choices=sorts, value=sort),
            **self._listed(page, query, ""),
            self.one: gr.Column(visible=False),
            self.selected: "",
            self.told: "",
        }

    def known(self, name: str) -> ClipTable:
        """Return the table of a dataset."""
        return ClipTable(self.studio.workspace.dataset(name), self.studio.workspace.cache)

    def _listed(self, page: Page, query: Query, selected: str) -> dict[Any, Any]:
        words = self.say("clips.total", n=page.total, pages=page.pages)
        return {
            self.table: view.table(page, query, selected, self.say),
            self.page: gr.Number(page.number, maximum=page.pages),
            self.total: f'<p class="quiet">{words}</p>',
            **self.bulk.closed(),
        }

    def again(self, known: ClipTable, query: Query, selected: str) -> dict[Any, Any]:
        """Show the page of a query, and the open clip, as they are now."""
        shown = self._listed(known.page(query), query, selected)
        there = selected and known.has(selected)
        return {**shown, **(self.opened(known, selected) if there else {})}

    def ask(self, selected: str, name: str, *form: Any) -> dict[Any, Any]:
        """Show the first page of another query."""
        return self.turn(selected, 1, name, *form)

    def turn(self, selected: str, number: float | None, name: str, *form: Any) -> dict[Any, Any]:
        """Show another page of the same query."""
        query = _query(number, *form)
        return self._listed(self.known(name).page(query), query, selected)

    def open(self, name: str, picked: gr.EventData) -> dict[Any, Any]:
        """Open the clip whose row was clicked."""
        return self.opened(self.known(name), str(picked._data["value"]))

    def opened(self, known: ClipTable, id: str, told: str = "") -> dict[Any, Any]:
        """Return the updates that open a clip.

        Raises:
            UserError: There is none of that name, or its sound can't be read.
        """
        from amharic_tts.audio.read import RATE, read
        from amharic_tts.dataset.remake import whole_of

        row, say = known.row(id), self.say
        figure = view.silent(row, say)
        path = known.folder / whole_of(row)
        if row.audio and path.is_file():
            known.dataset.wav(row)  # refuses a place outside the dataset
            figure = view.figure(row, read(path, rate=RATE), say)
        return {
            self.one: gr.Column(visible=True),
            self.selected: row.id,
            self.seen: row.text,
            self.about: view.about(row, say),
            self.figure: figure,
            self.text: row.text,
            self.told: f'<p class="clip-done">{told}</p>' if told else "",
        }

    def _act(self, name: str) -> Callable[..., dict[Any, Any]]:
        def act(*values: Any) -> dict[Any, Any]:
            return self.act(name, *values)

        return act

    def moved(self, picked: gr.EventData, *values: Any) -> dict[Any, Any]:
        """Do what was done in the figure: the ends were moved, or the clip split."""
        asked = picked._data["value"]
        if "ends" in asked:
            start, end = asked["ends"]
            return self.act("ends", *values, ends=(float(start), float(end)))
        return self.act("split", *values, at=float(asked["split"]))

    def act(
        self,
        do: str,
        tab: str,
        selected: str,
        text: str,
        seen: str,
        number: float | None,
        name: str,
        *form: Any,
        ends: tuple[float, float] = (0.0, 0.0),
        at: float = 0.0,
    ) -> dict[Any, Any]:
        """Decide about the open clip, or go on to another, and show what became of it.

        Raises:
            UserError: The decision is refused; nothing was changed then.
        """
        known, query = self.known(name), _query(number, *form)
        if do in ("next", "previous"):
            page, id = _neighbour(known, query, selected, 1 if do == "next" else -1)
            return {**self._listed(page, query, id), **self.opened(known, id)}
        editor = Editor(known.dataset, known, f"tab {tab}")
        behind = _neighbour(known, query, selected, 1)[1] if do in ("accept", "reject") else ""
        decide: dict[str, Callable[[], Edit]] = {
            "save": lambda: editor.text(selected, text, seen),
            "accept": lambda: editor.accept([selected]),
            "reject": lambda: editor.reject([selected]),
            "merge": lambda: editor.merge([selected, _next_clip(known, selected)]),
            "undo": editor.undo,
            "ends": lambda: editor.ends(selected, *ends),
            "split": lambda: editor.split(selected, at, _parts(text, seen)),
        }
        edit = decide[do]()
        known.update()
        shown = behind or _afterwards(edit, known, selected)
        told = view.done(edit, self.say)
        page = known.page(query)
        return {**self._listed(page, query, shown), **self.opened(known, shown, told)}


def _query(number: float | None, *form: Any) -> Query:
    search, finding, decision, sort, down = form
    if sort == "value" and not finding:
        sort = "findings"
    page = max(1, int(number or 1))
    return Query(
        search=search or "",
        finding=finding or "",
        decision=decision or "",
        sort=sort or "order",
        descending=bool(down),
        page=page,
        size=PAGE_ROWS,
    )


def _neighbour(known: ClipTable, query: Query, selected: str, step: int) -> tuple[Page, str]:
    """Return the page and the clip before or behind another one, on the next page if need be."""
    page = known.page(query)
    ids = [row.id for row in page.rows]
    place = ids.index(selected) + step if selected in ids else 0
    if 0 <= place < len(ids):
        return page, ids[place]
    other = dataclasses.replace(query, page=page.number + step)
    if 1 <= other.page <= page.pages:
        page = known.page(other)
        return page, page.rows[0 if step > 0 else -1].id
    return page, selected


def _next_clip(known: ClipTable, selected: str) -> str:
    """Return the clip that stands behind another one in the dataset.

    Raises:
        UserError: It is the last.
    """
    behind = known.behind(selected)
    if not behind:
        raise UserError(f"`{selected}` is the last clip; there is none to merge it with")
    return behind


def _parts(text: str, seen: str) -> tuple[str, str] | None:
    """Return both texts of a split, where a mark in the text says what they are."""
    from amharic_tts.dataset.edits import SPLIT_MARK, divided

    return divided(text, 0.5) if SPLIT_MARK in text and text != seen else None


def _afterwards(edit: Edit, known: ClipTable, selected: str) -> str:
    """Return the clip to show after an edit: a new one, the one that an undo was about."""
    made = [change.id for change in edit.changes if change.before is None]
    there = [change.id for change in edit.changes if known.has(change.id)]
    if selected in there and not made and edit.kind != "undo":
        return selected
    return next(iter([*made, *reversed(there)]), selected)
