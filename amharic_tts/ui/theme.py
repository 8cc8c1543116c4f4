"""The look: colours, type and spacing. Fonts come from our own assets, never from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

ASSETS = Path(__file__).parent / "assets"
STYLE = ASSETS / "studio.css"
G2P_STYLE = ASSETS / "g2p.css"
PHONEMES_STYLE = ASSETS / "phonemes.css"
TRAIN_STYLE = ASSETS / "train.css"
CLIPS_STYLE = ASSETS / "clips.css"
CHECK_STYLE = ASSETS / "check.css"
CUTS_STYLE = ASSETS / "cuts.css"
SPEAK_STYLE = ASSETS / "speak.css"
STYLES = [
    STYLE,
    G2P_STYLE,
    PHONEMES_STYLE,
    TRAIN_STYLE,
    CLIPS_STYLE,
    CHECK_STYLE,
    CUTS_STYLE,
    SPEAK_STYLE,
]
ICON = ASSETS / "icon.svg"
FAMILY = "Studio Sans"
HEAD = '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'

_ETHIOPIC = "U+030E,U+1200-1399,U+2D80-2DDE,U+AB01-AB2E,U+1E7E0-1E7FE"
_LATIN = (
    "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,"
    "U+2191,U+2193,U+2212,U+2215"
)
_LATIN_EXT = (  # the letters of the IPA are among them
    "U+0100-0130,U+0132-0151,U+0154-02BA,U+02BD-02C5,U+02C7-02D9,U+02DB,U+02DD-036F,U+1D00-1DBF,"
    "U+1E00-1E9F,U+1EF2-1EFF,U+2C60-2C7F,U+A720-A7FF"
)
FACES = (
    ("noto-sans-ethiopic-ethiopic-400-normal.woff2", "400", _ETHIOPIC),
    ("noto-sans-ethiopic-ethiopic-600-normal.woff2", "600 800", _ETHIOPIC),
    ("noto-sans-latin-400-normal.woff2", "400", _LATIN),
    ("noto-sans-latin-600-normal.woff2", "600 800", _LATIN),
    ("noto-sans-latin-ext-400-normal.woff2", "400 800", _LATIN_EXT),
)


def font_faces() -> str:
    """Return the ``@font-face`` rules of the fonts that the app serves from its assets.

    The addresses are relative, so that they also hold behind a proxy with a path prefix.
    """
    rules = []
    for name, weight, letters in FACES:
        address = "gradio_api/file=" + quote((ASSETS / name).as_posix())
        rules.append(
            f"@font-face {{ font-family: '{FAMILY}'; font-style: normal; font-weight: {weight}; "
            f"font-display: swap; src: url('{address}') format('woff2'); "
            f"unicode-range: {letters}; }}"
        )
    return "\n".join(rules)


def _shades(gr: Any, name: str, *values: str) -> Any:
    return gr.themes.Color(*values, name=name)


def theme() -> Any:
    """Return the Gradio theme: white cotton, green ink, a woven border."""
    import gradio as gr

    green = _shades(
        gr, "tef", "#eef7f4", "#d5ebe4", "#aed8cb", "#7fc0ae", "#4aa38e", "#23877a", "#0b6b5e",
        "#09574d", "#08463f", "#063a34", "#032420",
    )  # fmt: skip
    slate = _shades(
        gr, "cotton", "#fbfcfb", "#f3f6f4", "#e3e9e6", "#cbd5d0", "#93a39c", "#67776f", "#4b5a53",
        "#35423c", "#212c27", "#161f1b", "#0e1512",
    )  # fmt: skip
    fonts = [FAMILY, "Noto Sans Ethiopic", "Abyssinica SIL", "Nyala", "Kefa", "system-ui"]
    # Ours before the last one: letters that no monospaced face has are drawn, not boxed.
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", FAMILY]
    return gr.themes.Base(
        primary_hue=green,
        secondary_hue=green,
        neutral_hue=slate,
        font=[gr.themes.Font(name) for name in [*fonts, "sans-serif"]],
        font_mono=[gr.themes.Font(name) for name in [*mono, "monospace"]],
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=gr.themes.sizes.text_md,
    ).set(
        body_background_fill="#f4f6f5",
        body_background_fill_dark="#0e1512",
        body_text_color="#1b2521",
        body_text_color_dark="#e4ebe7",
        body_text_color_subdued="#5a6a63",
        body_text_color_subdued_dark="#9aaba3",
        block_background_fill="#ffffff",
        block_background_fill_dark="#161f1b",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#161f1b",
        background_fill_secondary="#f4f6f5",
        background_fill_secondary_dark="#121a17",
        border_color_primary="#dbe3df",
        border_color_primary_dark="#2b3732",
        block_border_width="0px",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="#4b5a53",
        block_label_text_color_dark="#a9b9b1",
        block_title_text_color="#24302b",
        block_title_text_color_dark="#dfe8e3",
        block_title_text_weight="600",
        block_info_text_color="#5a6a63",
        block_info_text_color_dark="#9aaba3",
        block_padding="0px",
        input_background_fill="#ffffff",
        input_background_fill_dark="#101815",
        input_border_color="#c3cfc9",
        input_border_color_dark="#35423c",
        input_border_color_focus="#0b6b5e",
        input_border_color_focus_dark="#4aa38e",
        input_border_width="1px",
        checkbox_border_color="#9fb0a8",
        checkbox_label_background_fill="#f4f6f5",
        checkbox_label_background_fill_dark="#1b2521",
        button_primary_background_fill="#0b6b5e",
        button_primary_background_fill_hover="#09574d",
        button_primary_background_fill_dark="#23877a",
        button_primary_background_fill_hover_dark="#4aa38e",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#e8efeb",
        button_secondary_background_fill_hover="#d9e4de",
        button_secondary_background_fill_dark="#25312c",
        button_secondary_background_fill_hover_dark="#2f3d37",
        button_cancel_background_fill="#fbe9e7",
        button_cancel_background_fill_hover="#f6d5d1",
        button_cancel_text_color="#9b2a20",
        button_cancel_background_fill_dark="#3a1c19",
        button_cancel_background_fill_hover_dark="#4b2420",
        button_cancel_text_color_dark="#f3b3ab",
        button_large_text_weight="600",
        button_small_text_weight="600",
        link_text_color="#0b6b5e",
        link_text_color_dark="#7fc0ae",
    )
