"""The Dataset page: one dataset is chosen above, and each view below shows a side of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import gradio as gr

from amharic_tts.ui.handlers import wire
from amharic_tts.ui.pages import dataset_sources
from amharic_tts.ui.studio import Studio


class Part(Protocol):
    """One view of the page."""

    @property
    def outputs(self) -> list[Any]:
        """Every widget that `show` may update."""

    def show(self, name: str | None) -> dict[Any, Any]:
        """Return the updates that show a dataset; None where the workspace has none."""


Build = Callable[[Studio, gr.Dropdown], Part]

PARTS: dict[str, Build] = {
    "sources": dataset_sources.build,
}
"""The views, in the order of their tabs; ``dataset.view.NAME`` is what a tab is called."""


class DatasetPage:
    """The chooser, the tabs, and which view is in front."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.parts: dict[str, Any] = {}

    def build(self) -> DatasetPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        self.view = gr.State(next(iter(PARTS)))
        self.chosen = gr.Dropdown(
            [], label=say("dataset.choose"), visible=False, elem_id="dataset-name"
        )
        tabs = {}
        with gr.Tabs(elem_id="dataset-views"):
            for name, build in PARTS.items():
                label = say(f"dataset.view.{name}")
                with gr.Tab(label, id=name, elem_id=f"dataset-view-{name}") as tabs[name]:
                    self.parts[name] = build(self.studio, self.chosen)
        for name, tab in tabs.items():
            turn = functools.partial(self.turn, name)
            shown = [self.view, *self.parts[name].outputs]
            wire(tab.select, turn, say, [self.chosen], shown)
        wire(self.chosen.input, self.show, say, [self.chosen, self.view], self._all)
        return self

    @property
    def _all(self) -> list[Any]:
        return [widget for part in self.parts.values() for widget in part.outputs]

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        return [self.chosen, self.view, *self._all]

    def load(self) -> dict[Any, Any]:
        """Show what is there when the page is opened."""
        from amharic_tts.dataset.manifest import Dataset

        names, first = Dataset.names(self.studio.workspace), next(iter(PARTS))
        chosen = names[0] if names else None
        choice = gr.Dropdown(choices=list(names), value=chosen, visible=bool(names))
        return {self.chosen: choice, **self.turn(first, chosen)}

    def turn(self, view: str, name: str | None) -> dict[Any, Any]:
        """Bring a view to the front."""
        return {self.view: view, **self.show(name, view)}

    def show(self, name: str | None, view: str) -> dict[Any, Any]:
        """Show another dataset in the view that is in front; the others follow when opened."""
        updates: dict[Any, Any] = self.parts[view].show(name)
        return updates
