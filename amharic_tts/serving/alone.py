"""The speech API as a server of its own, without the page."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

from amharic_tts.errors import UserError
from amharic_tts.serving.server import Serving, build
from amharic_tts.settings import LOOPBACK
from amharic_tts.synthesis.client import SpeechClient
from amharic_tts.workspace import Workspace

MOST_CONNECTIONS = 256
_ENDING = 5
"""Seconds that answers have to end when the server is stopped."""


def run(
    workspace: Workspace, serving: Serving, host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Serve until it is interrupted.

    Args:
        workspace: Its voices speak.
        serving: Keys, limits, and the voice of a request that names none.
        host: Address to listen on; anything but loopback needs a key.
        port: 0 takes a free one.
        ready: Called with the address once it answers.

    Raises:
        UserError: Others could reach it without a key; the port is taken; no such voice.
    """
    import uvicorn

    if host not in LOOPBACK and not serving.keys:
        raise UserError(
            f"--host {host} opens the speech API to the network, and it has no key",
            "Make one with: amharic-tts serve --new-key",
        )
    client = SpeechClient(workspace)
    app = build(client, serving)
    with _listening(host, port) as listener:
        config = uvicorn.Config(
            app,
            log_level="warning",
            lifespan="off",
            # Who asks is who connects: a header that says otherwise could be anybody's.
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=_ENDING,
        )
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listener.getsockname()[1]}/v1")
        try:
            with contextlib.suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            client.close()


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port < 65536:
        raise UserError(f"--port {port} is not a port number (0 to 65535)")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, which `socket.create_server` leaves out: asyncio sends small pieces at once only
    # where it knows that, and otherwise each answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
        return listener
    except OSError as error:
        listener.close()
        raise UserError(
            f"The speech API can't be served at {host}:{port}: {error.strerror or error}",
            "If another program has the port, choose one with --port",
        ) from error
