"""The whole page in reading order: header, tabs, and what happens when it is opened."""

from __future__ import annotations

import atexit
import dataclasses
from html import escape
from typing import Any

import gradio as gr

from amharic_tts import __version__
from amharic_tts.settings import Settings
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.ui import speak_api, theme, words
from amharic_tts.ui.handlers import guarded, wire
from amharic_tts.ui.pages import g2p
from amharic_tts.ui.pages.dataset import DatasetPage
from amharic_tts.ui.pages.g2p import G2PPage
from amharic_tts.ui.pages.phonemes import PhonemesPage
from amharic_tts.ui.pages.speak import SpeakPage
from amharic_tts.ui.pages.system import SystemPage
from amharic_tts.ui.pages.train import TrainPage
from amharic_tts.ui.studio import Studio
from amharic_tts.workspace import Workspace

TABS = ("dataset", "train", "speak", "g2p", "phonemes", "system")


def build_app(settings: Settings, client: SpeechClient | None = None) -> gr.Blocks:
    """Return the studio: one page at ``/`` in the chosen language, one more per other language.

    Args:
        settings: How it is served.
        client: Who speaks; one of its own, closed with the program, where none is given.

    Raises:
        UserError: The language has no words, or the workspace can't be written.
    """
    workspace = Workspace.open(settings.workspace)
    gr.set_static_paths([theme.ASSETS])
    if client is None:
        client = SpeechClient(workspace)
        atexit.register(client.close)
    known = words.languages()
    first = words.load(settings.language)
    with gr.Blocks(
        title=first("app.title"),
        analytics_enabled=False,
        delete_cache=(3600, 86400),
        fill_width=True,
    ) as app:
        # First, so that no handler of the page takes the promised names.
        _public(Studio(settings, workspace, first), client)
        _page(Studio(settings, workspace, first), client, known, home=True)
    for code in known:
        if code != first.language:
            here = dataclasses.replace(settings, language=code)
            with app.route(known[code], code, show_in_navbar=False):
                _page(Studio(here, workspace, words.load(code)), client, known, home=False)
    app.queue(max_size=50, api_open=False, default_concurrency_limit=4)
    return app


def _header(studio: Studio, known: dict[str, str], home: bool) -> str:
    say = studio.words
    links = []
    for code, name in known.items():
        if code == say.language:
            links.append(f'<b lang="{code}">{escape(name)}</b>')
        else:
            # From the page of another language, the first one is the folder itself.
            target = code if home else "./"
            links.append(f'<a lang="{code}" href="{target}">{escape(name)}</a>')
    return (
        '<header class="masthead"><div><h1>'
        f"{escape(say('app.title'))}</h1><p>{escape(say('app.subtitle'))}</p></div>"
        f'<nav class="languages" aria-label="{escape(say("app.language"))}">{"".join(links)}</nav>'
        "</header>"
    )


def _page(studio: Studio, client: SpeechClient, known: dict[str, str], home: bool) -> None:
    say = studio.words
    gr.Navbar(visible=False)
    gr.HTML(_header(studio, known, home), elem_id="masthead")
    pages: dict[str, Any] = {
        "dataset": DatasetPage(studio),
        "train": TrainPage(studio),
        "speak": SpeakPage(studio, client),
        "g2p": G2PPage(studio),
        "phonemes": PhonemesPage(studio),
        "system": SystemPage(studio),
    }
    tabs = {}
    with gr.Tabs(elem_id="pages"):
        for name in TABS:
            with gr.Tab(say(f"tab.{name}"), id=name, elem_id=f"page-{name}") as tabs[name]:
                pages[name].build()
    gr.HTML(f'<p class="colophon">{escape(say("app.colophon", version=__version__))}</p>')

    train, speak, system = pages["train"], pages["speak"], pages["system"]
    phonemes = pages["phonemes"]
    root = gr.context.Context.root_block
    for page in (pages["dataset"], train, speak, pages["g2p"]):
        wire(root.load, page.load, say, None, page.loaded)
    wire(tabs["train"].select, train.lists, say, [train.dataset], train.loaded)
    wire(tabs["speak"].select, speak.load, say, [speak.voice], speak.loaded)
    wire(tabs["phonemes"].select, phonemes.load, say, phonemes.shown, phonemes.loaded)
    wire(tabs["system"].select, system.load, say, None, system.loaded)


def _public(studio: Studio, client: SpeechClient) -> None:
    """Register what scripts may call: typed, and promised to stay; nothing is changed by it."""

    def runs() -> list[dict[str, Any]]:
        """Return the training runs of the workspace, newest first: id, title and state."""
        from amharic_tts.jobs import store

        return [
            {"id": job.id, "title": job.spec.title, "state": job.state()}
            for job in store.jobs(studio.workspace)
        ]

    gr.api(guarded(g2p.compare, studio.words), api_name="g2p", concurrency_limit=2)
    gr.api(guarded(runs, studio.words), api_name="runs", concurrency_limit=2)
    speak_api.register(studio, client)
