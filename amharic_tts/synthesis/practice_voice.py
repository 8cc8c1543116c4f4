"""The built-in voice: the practice base, unpacked when it is first asked to speak."""

from __future__ import annotations

from pathlib import Path

from amharic_tts.base_models import packed, practice
from amharic_tts.base_models.catalog import PRACTICE
from amharic_tts.errors import UserError
from amharic_tts.synthesis.voice_files import write_voice_json
from amharic_tts.synthesis.voices import Voice, read_voice
from amharic_tts.tokenizer.settings import TextSettings, current
from amharic_tts.tokenizer.vocabulary import load_vocabulary
from amharic_tts.workspace import Workspace


def built_in(workspace: Workspace) -> Voice:
    """Return the built-in voice for a list, whether or not it is unpacked yet.

    Raises:
        UserError: The packed weights are missing or damaged.
    """
    told = packed.describe()
    settings = current(told["language"], told["text_mode"])
    return Voice(PRACTICE, workspace.bases / PRACTICE, settings, note=told["note"])


def make_ready(folder: Path) -> Path:
    """Return the practice base as a voice folder; unpacks it where it is not there yet.

    Its `voice.json` says how this installation reads text: unlike a trained voice it is not bound
    to the G2P and the normaliser of one day, so it is written again after an update.

    Args:
        folder: The practice base of a workspace.

    Raises:
        UserError: The packed weights are missing or damaged; the disk is full or can't be written.
    """
    practice.build(folder)
    told = practice.read_note(folder)
    settings = current(told["language"], told["text_mode"])
    if not _is_told(folder, settings):
        names = [name for name in told["files"] if name not in ("dvae.pth", "mel_stats.pth")]
        vocab = load_vocabulary(folder / "vocab.json")
        manifest = {"base": "practice", "weights": told["weights"]}
        write_voice_json(folder, names, vocab, settings, told["note"], manifest)
    return folder


def _is_told(folder: Path, settings: TextSettings) -> bool:
    try:
        voice = read_voice(folder)
    except UserError:
        return False
    return voice.settings == settings and not voice.problems
