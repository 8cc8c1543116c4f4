"""One process that loads a voice and says ten words: `... VOICE stock|fp32|int8`; prints its MB.

``own`` is anonymous memory afterwards, which nobody else can use; ``all`` also counts the pages of
files that are mapped; ``peak`` is the most of all at any moment.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def _status(name: str) -> float:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    """Speak and print."""
    from benchmarks import speaking

    voice, side = Path(sys.argv[1]), sys.argv[2]
    if side == "stock":
        from TTS.tts.configs.xtts_config import XttsConfig
        from TTS.tts.models.xtts import Xtts

        config = XttsConfig()
        config.load_json(voice / "config.json")
        model = Xtts(config)
        model.load_checkpoint(config, checkpoint_dir=voice, eval=True, strict=True)
        latents, speaker = speaking.heard(model, voice / "reference.wav")
        model.inference(speaking.TEXT, "en", latents, speaker, max_new_tokens=speaking.CODES)
    else:
        from amharic_tts.synthesis.engine import SpeechEngine

        engine = SpeechEngine.load(voice, "cpu", "int8" if side == "int8" else "fp32")
        engine.most_codes = speaking.CODES
        engine.speak(speaking.TEXT, seed=1)
    names = {"own": "RssAnon", "all": "VmRSS", "peak": "VmHWM"}
    print(json.dumps({key: _status(name) for key, name in names.items()}))


if __name__ == "__main__":
    main()
