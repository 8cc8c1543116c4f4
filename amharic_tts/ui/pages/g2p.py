"""The Pronunciation page: a text by every backend, a long list, and a list of right answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import gradio as gr

from amharic_tts.jobs import store
from amharic_tts.ui.job_view import LIVE
from amharic_tts.ui.pages import g2p_text
from amharic_tts.ui.pages.g2p_gold import GoldPart
from amharic_tts.ui.pages.g2p_list import ListPart
from amharic_tts.ui.pages.g2p_text import TextPart
from amharic_tts.ui.studio import Studio

compared = g2p_text.compared


def compare(text: str) -> dict[str, Any]:
    """Return an Amharic text as every G2P backend reads it.

    Args:
        text: Lines of Amharic, at most 5000 characters.

    Returns:
        ``lines``, each with ``text``, ``normalized``, ``changes`` (span, before, after, rule) and
        ``sides`` (backend, version, ipa, words, problems: why there is no output, or what is odd).

    Raises:
        UserError: Empty or too long.
    """
    return {"lines": [dataclasses.asdict(one) for one in compared(text)]}


class G2PPage:
    """The three views of the Pronunciation page."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.say = studio, studio.words
        self.text = TextPart(studio)
        self.list, self.gold = ListPart(studio), GoldPart(studio)

    def build(self) -> G2PPage:
        """Place the widgets in the current layout and wire them."""
        say = self.say
        with gr.Tabs(elem_id="g2p-views") as self.views:
            for name, part in (("text", self.text), ("list", self.list), ("gold", self.gold)):
                with gr.Tab(say(f"g2p.view.{name}"), id=name, elem_id=f"g2p-view-{name}"):
                    part.build()
        return self

    @property
    def loaded(self) -> list[Any]:
        """Every widget that `load` may update."""
        return [self.views, *self.list.outputs, *self.gold.outputs]

    def load(self) -> dict[Any, Any]:
        """Show again what the last list and the last measurement came to, or how far they are."""
        jobs = {"list": self.list.newest(), "gold": self.gold.newest()}
        running = next((name for name, job in jobs.items() if _runs(job)), None)
        views = {self.views: gr.Tabs(selected=running)} if running else {}
        return {**views, **self.list.shown(jobs["list"]), **self.gold.shown(jobs["gold"])}


def _runs(job: store.Job | None) -> bool:
    return job is not None and job.state() in LIVE
