"""Speaking for scripts that use `gradio_client`: the endpoint ``/speak`` of the page."""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr
import soundfile

from amharic_tts.audio.encode import encode, of_name
from amharic_tts.errors import UserError
from amharic_tts.events import Done
from amharic_tts.synthesis import voices
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.synthesis.practice_voice import built_in
from amharic_tts.synthesis.request import SpeechRequest, sampling
from amharic_tts.ui import downloads
from amharic_tts.ui.handlers import guarded
from amharic_tts.ui.studio import Studio

AT_ONCE = 4
"""Speeches that may be under way; one is spoken, the others wait for it."""


class SpeakApi:
    """What the endpoint does."""

    def __init__(self, studio: Studio, client: SpeechClient) -> None:
        self._studio, self._client = studio, client

    def speak(
        self,
        text: str,
        voice: str = "practice",
        language: str = "",
        seed: float | None = None,
        speed: float = 1.0,
        format: str = "wav",
    ) -> str:
        """Say a text with a voice of the workspace; return the sound as a file.

        Args:
            text: What to say.
            voice: Run id of a finished voice, or `practice`.
            language: Language code; the voice's own where it is empty.
            seed: The same seed gives the same speech; a random one where there is none.
            speed: 0.5 to 2.
            format: wav, mp3, flac, ogg, opus, aac or pcm.

        Raises:
            UserError: Nothing to say, no such voice or format, a value outside of its range.
        """
        workspace = self._studio.workspace
        kind = of_name(format)
        known = [one.id for one in [*voices.list_voices(workspace), built_in(workspace)]]
        if voice not in known:
            raise UserError(f"There is no voice `{voice}`", f"There are: {', '.join(known)}")
        out = workspace.cache / "serving" / f"{secrets.token_hex(8)}.wav"
        request = SpeechRequest(
            voice,
            text,
            language or None,
            seed=None if seed is None else round(seed),
            sampling=sampling(speed=speed),
            out=out,
        )
        try:
            for event in self._client.speak(request):
                if isinstance(event, Done):
                    samples, rate = soundfile.read(event.result["audio"], dtype="float32")
            return downloads.offer(f"speech{kind.suffix}", encode(samples, rate, kind.name))
        finally:
            out.unlink(missing_ok=True)


def register(studio: Studio, client: SpeechClient) -> None:
    """Add the endpoint to the page. Its widgets are never seen: `gr.api` knows no files."""
    fields: list[Any] = [
        gr.Textbox(label="text", visible=False),
        gr.Textbox(label="voice", value="practice", visible=False),
        gr.Textbox(label="language", value="", visible=False),
        gr.Number(label="seed", value=None, visible=False),
        gr.Number(label="speed", value=1.0, visible=False),
        gr.Textbox(label="format", value="wav", visible=False),
    ]
    gr.Button(visible=False).click(
        guarded(SpeakApi(studio, client).speak, studio.words),
        inputs=fields,
        outputs=gr.File(label="speech", visible=False),
        api_name="speak",
        api_visibility="public",
        concurrency_limit=AT_ONCE,
    )
