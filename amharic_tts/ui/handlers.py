"""The border between Gradio and the core: errors become messages, and wiring stays in one form."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from amharic_tts.errors import StudioError
from amharic_tts.ui.html import rich
from amharic_tts.ui.words import Words

logger = logging.getLogger(__name__)


def as_toast(error: Exception, words: Words) -> gr.Error:
    """Return what the visitor sees of an error.

    A `StudioError` tells its message and hint. Anything else is our mistake: the traceback goes to
    the log of the server and the visitor reads only that it happened.
    """
    if isinstance(error, StudioError):
        text = rich(error.message)
        if error.hint:
            text += f"<br><small>{rich(error.hint)}</small>"
        return gr.Error(text, title=words("error.title"), duration=20, print_exception=False)
    return gr.Error(words("error.unexpected"), title=words("error.title"), print_exception=False)


def guarded(function: Callable[..., Any], words: Words) -> Callable[..., Any]:
    """Return a handler that shows every error the way `as_toast` says."""
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
            try:
                yield from function(*args, **kwargs)
            except gr.Error:
                raise
            except Exception as error:
                raise _told(error, function, words) from error

        return stream

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise _told(error, function, words) from error

    return call


def _told(error: Exception, function: Callable[..., Any], words: Words) -> gr.Error:
    if not isinstance(error, StudioError):
        logger.error("%s failed", function.__qualname__, exc_info=error)
    return as_toast(error, words)


def wire(
    event: Callable[..., Any],
    function: Callable[..., Any],
    words: Words,
    inputs: Any = None,
    outputs: Any = None,
    **options: Any,
) -> Any:
    """Connect an event of the page to a handler: guarded, and not part of the public API.

    Args:
        event: Such as ``button.click``.
        function: The handler.
        words: For the border's own messages.
        inputs: Components whose values the handler takes.
        outputs: Components that it updates.
        **options: Handed to Gradio; `concurrency_limit` is None unless given, since most handlers
            only read files. Heavy ones give their own.
    """
    options.setdefault("concurrency_limit", None)
    options.setdefault("show_progress", "hidden")
    if options["show_progress"] == "hidden":
        # Otherwise Gradio's page tells every output of every event each state of this one, each
        # by a walk through the whole page: seconds of work for a click on a small machine.
        options.setdefault("show_progress_on", [])
    return event(
        guarded(function, words),
        inputs=inputs,
        outputs=outputs,
        api_visibility="private",
        **options,
    )
