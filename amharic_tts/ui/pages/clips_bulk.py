"""Accept or reject all clips that the filter shows, after a question with the number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from amharic_tts.dataset.edits import Editor, bulk
from amharic_tts.errors import UserError
from amharic_tts.ui import clips_view as view
from amharic_tts.ui.handlers import wire

if TYPE_CHECKING:
    from amharic_tts.ui.pages.dataset_clips import ClipsPart


class BulkBox:
    """Widgets and handlers; what the filter shows, and the open clip, are those of `clips`."""

    def __init__(self, clips: ClipsPart) -> None:
        self.clips, self.say = clips, clips.say

    def build(self) -> BulkBox:
        """Place the widgets in the current layout; `connect` wires them."""
        say = self.say
        self.kind, self.mark = gr.State(""), gr.State("")
        with gr.Row(elem_classes="clip-acts clip-bulk"):
            self.buttons = {
                name: gr.Button(
                    say(f"clips.bulk.{name}"),
                    size="sm",
                    min_width=250,
                    elem_id=f"clips-{name}-all",
                )
                for name in ("accept", "reject", "undo")
            }
        with gr.Column(visible=False, elem_id="clips-sure", elem_classes="inset") as self.sure:
            self.question = gr.HTML(elem_id="clips-question")
            with gr.Row(elem_classes="clip-acts"):
                self.yes = gr.Button(variant="primary", size="md", elem_id="clips-yes")
                self.no = gr.Button(say("clips.bulk.no"), size="md", elem_id="clips-no")
        self.told = gr.HTML(elem_id="clips-bulk-told")
        return self

    def connect(self, asked: list[Any], here: list[Any], after: list[Any]) -> None:
        """Wire the widgets.

        Args:
            asked: The dataset's name and the widgets of the filter.
            here: The tab, the open clip and the page, before `asked`.
            after: What shows the open clip and the page of the table.
        """
        say, question = self.say, [*self.outputs, self.question, self.yes, self.kind, self.mark]
        for kind in ("accept", "reject"):
            wire(self.buttons[kind].click, self._asks(kind), say, asked, question)
        wire(self.no.click, self.closed, say, None, self.outputs)
        agreed = [self.kind, self.mark, *here, *asked]
        wire(self.yes.click, self.carry_out, say, agreed, [*self.outputs, *after])
        undone = [*self.outputs, *after]
        wire(self.buttons["undo"].click, self.undo, say, [*here, *asked], undone)

    @property
    def outputs(self) -> list[Any]:
        """What `closed` updates."""
        return [self.sure, self.told]

    def closed(self) -> dict[Any, Any]:
        """Take a question back, since what it was about is no longer what is shown."""
        return {self.sure: gr.Column(visible=False), self.told: ""}

    def _asks(self, kind: str) -> Callable[..., dict[Any, Any]]:
        def ask(name: str, *form: Any) -> dict[Any, Any]:
            return self.ask(kind, name, *form)

        return ask

    def ask(self, kind: str, name: str, *form: Any) -> dict[Any, Any]:
        """Ask whether all clips that the filter shows are to be accepted or rejected."""
        known, query = self.clips.known(name), self.clips.query(1, *form)
        plan = bulk(kind, known.found(query))
        n = len(plan.pairs)
        return {
            self.told: "",
            self.sure: gr.Column(visible=True),
            self.question: view.question(plan, self.say),
            self.yes: gr.Button(self.say(f"clips.bulk.yes_{kind}", n=n), interactive=n > 0),
            self.kind: kind,
            self.mark: plan.mark,
        }

    def carry_out(
        self,
        kind: str,
        mark: str,
        tab: str,
        selected: str,
        number: float | None,
        name: str,
        *form: Any,
    ) -> Iterator[dict[Any, Any]]:
        """Do what was agreed to, as one decision.

        Raises:
            UserError: The clips that the filter shows are others than those of the question.
        """
        yield {self.told: f'<p class="quiet">{self.say("clips.bulk.working")}</p>'}
        try:
            yield self._done(kind, mark, tab, selected, number, name, *form)
        except UserError:
            yield self.closed()  # else "one moment" would stand there for ever
            raise

    def _done(
        self,
        kind: str,
        mark: str,
        tab: str,
        selected: str,
        number: float | None,
        name: str,
        *form: Any,
    ) -> dict[Any, Any]:
        known, query = self.clips.known(name), self.clips.query(number, *form)
        plan = bulk(kind, known.found(query))
        if plan.mark != mark:
            raise UserError(
                "The clips that the filter shows have been changed meanwhile; none was touched",
                "Look at them as they are now, then ask again",
            )
        edit = Editor(known.dataset, known, f"tab {tab}").carry_out(plan)
        known.update()
        told = view.done(edit, self.say)
        return {**self.clips.again(known, query, selected), **self._tells(told)}

    def undo(
        self, tab: str, selected: str, number: float | None, name: str, *form: Any
    ) -> dict[Any, Any]:
        """Take back what this tab decided last.

        Raises:
            UserError: There is nothing, or it has been changed since.
        """
        known, query = self.clips.known(name), self.clips.query(number, *form)
        edit = Editor(known.dataset, known, f"tab {tab}").undo()
        known.update()
        told = view.done(edit, self.say)
        return {**self.clips.again(known, query, selected), **self._tells(told)}

    def _tells(self, words: str) -> dict[Any, Any]:
        return {**self.closed(), self.told: f'<p class="clip-done">{words}</p>'}
