"""Start the server of the studio and wait."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from pathlib import Path

from amharic_tts.errors import StudioError, UserError
from amharic_tts.serving import keys
from amharic_tts.settings import Settings
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.ui import words
from amharic_tts.ui.launch import launch_arguments
from amharic_tts.workspace import Workspace


def serve(settings: Settings) -> None:
    """Serve the page until it is interrupted; say the address once it answers.

    Raises:
        UserError: The settings have problems, the workspace can't be written, the port is taken,
            or others can read the keys of the speech API.
        StudioError: Gradio can't serve the Model Context Protocol.
    """
    # What the user can put right is said before the seconds that Gradio takes to load.
    words.load(settings.language)
    workspace = Workspace.open(settings.workspace)
    keys.read(keys.default_file(workspace))
    # Before Gradio is imported: it reads these at import.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    # For the processes that the page starts, from whatever folder it was started.
    code, known = str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([code, known] if known else [code])
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    arguments = launch_arguments(settings)
    from amharic_tts.serving.server import mount
    from amharic_tts.ui.app import build_app

    client = SpeechClient(workspace)
    atexit.register(client.close)
    app = build_app(settings, client)
    try:
        server, address, _ = app.launch(**arguments, prevent_thread_lock=True)
    except OSError as error:
        raise UserError(
            f"The page can't be served at {settings.host}:{settings.port or 7860}: {error}",
            "Another program has the port; choose one with --port",
        ) from error
    if app.mcp_error:  # Gradio goes on without it
        raise StudioError(f"The Model Context Protocol can't be served: {app.mcp_error}")
    api = mount(server, client, settings)
    sys.stdout.write(f"The studio is at {address}\n{api}\n")
    sys.stdout.flush()
    app.block_thread()
