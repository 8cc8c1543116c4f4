"""What was spoken: each speech as a sound and what was asked beside it, kept until it is deleted.

``speech/<id>.wav`` and ``speech/<id>.json`` in the workspace. A sentence said again makes a new
speech, so that the one before stays to be compared with.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from amharic_tts.errors import UserError
from amharic_tts.events import Sentence
from amharic_tts.files import check_name, disk_errors, write_text
from amharic_tts.synthesis.request import SpeechRequest
from amharic_tts.workspace import Workspace

logger = logging.getLogger(__name__)

FORMAT = 1


@dataclass(frozen=True)
class Spoken:
    """One speech that is kept."""

    id: str
    created: float
    sound: Path
    """24 kHz mono WAV."""
    request: SpeechRequest
    sentences: tuple[Sentence, ...]
    result: dict[str, Any]
    """Of `events.Done`."""
    before: str = ""
    """Id of the speech in which a sentence was said again."""

    @property
    def title(self) -> str:
        """When, by whom, and how it begins."""
        when = time.strftime("%d.%m. %H:%M:%S", time.localtime(self.created))
        begins = " ".join(self.request.text.split())
        return f"{when} · {begins[:40]}{'…' if len(begins) > 40 else ''} · {self.request.voice}"


class History:
    """The speeches of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def folder(self) -> Path:
        return self._workspace.speech

    def new_sound(self) -> Path:
        """Return a path for the sound of a new speech."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return self.folder / f"{stamp}-{secrets.token_hex(2)}.wav"

    def keep(
        self,
        request: SpeechRequest,
        sentences: Sequence[Sentence],
        result: dict[str, Any],
        before: str = "",
    ) -> Spoken:
        """Write what was asked beside a sound that `new_sound` named.

        Raises:
            UserError: The disk is full or can't be written.
        """
        sound = Path(result["audio"])
        spoken = Spoken(
            sound.stem,
            time.time(),
            sound,
            replace(request, seed=int(result["seed"]), out=None),
            tuple(sentences),
            result,
            before,
        )
        body = {
            "format": FORMAT,
            "created": spoken.created,
            "request": spoken.request.to_json(),
            "sentences": [asdict(one) for one in spoken.sentences],
            "result": {key: value for key, value in result.items() if key != "audio"},
            "before": before,
        }
        with disk_errors(sound):
            text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
            write_text(sound.with_suffix(".json"), text)
        return spoken

    def get(self, speech: str) -> Spoken:
        """Return a speech.

        Raises:
            UserError: There is none of this id, or its file can't be read.
        """
        check_name(speech, "speech")
        path = self.folder / f"{speech}.json"
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            sentences = tuple(Sentence(**one) for one in body["sentences"])
            request = SpeechRequest.from_json(body["request"])
            sound = path.with_suffix(".wav")
            result = {**body["result"], "audio": str(sound)}
            found = Spoken(
                speech, body["created"], sound, request, sentences, result, body["before"]
            )
        except FileNotFoundError:
            raise UserError(f"There is no speech `{speech}`", "It may be in the trash") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"`{path}` can't be read: {error}") from error
        if not sound.is_file():
            raise UserError(f"The sound of the speech `{speech}` is missing: `{sound}`")
        return found

    def newest(self, most: int = 50) -> list[Spoken]:
        """Return the newest speeches; those whose files are damaged are told in the log."""
        found: list[Spoken] = []
        names = sorted((p.stem for p in self.folder.glob("*.json")), reverse=True)
        for name in names:
            try:
                found.append(self.get(name))
            except UserError as error:
                logger.warning("%s", error.message)
                continue
            if len(found) == most:
                break
        return found

    def with_sentence(self, spoken: Spoken, again: Sentence, sound: Path) -> Spoken:
        """Return a new speech in which one sentence is another take; the others stay as they are.

        Args:
            spoken: The whole.
            again: The sentence that was said again, with the number that it has in the whole.
            sound: Of that sentence alone.

        Raises:
            UserError: The speech has no such sentence; the disk is full.
        """
        import numpy as np
        import soundfile

        from amharic_tts.synthesis.performance import write_wav

        at = again.number - 1
        if not 0 <= at < len(spoken.sentences):
            raise UserError(f"The speech has no sentence {again.number}")
        whole, rate = soundfile.read(spoken.sound, dtype="float32")
        new, _ = soundfile.read(sound, dtype="float32")
        old = spoken.sentences[at]
        first, last = round(old.start * rate), round(old.stop * rate)
        samples = np.concatenate([whole[:first], new, whole[last:]])
        longer = (len(new) - (last - first)) / rate
        sentences = list(spoken.sentences)
        sentences[at] = replace(again, start=old.start, stop=old.stop + longer, total=old.total)
        for number in range(at + 1, len(sentences)):
            one = sentences[number]
            sentences[number] = replace(one, start=one.start + longer, stop=one.stop + longer)
        path = self.new_sound()
        write_wav(path, samples, rate)
        result = {
            **spoken.result,
            "audio": str(path),
            "seconds": round(len(samples) / rate, 3),
            "cut": sum(one.cut for one in sentences),
        }
        return self.keep(spoken.request, sentences, result, before=spoken.id)

    def delete(self, spoken: Spoken) -> None:
        """Move a speech to the trash of the workspace."""
        for path in (spoken.sound.with_suffix(".json"), spoken.sound):
            if path.exists():
                self._workspace.discard(path)
