"""What a run says of its vocabulary: the pieces that were learned, tokens a second of speech."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amharic_tts.events import Finding
from amharic_tts.tokenizer.encoder import pace
from amharic_tts.tokenizer.pieces import SEEN_OFTEN, Pieces
from training.base import RATE
from training.data import Clip

_FEW_OFTEN = 0.5
"""The advised number has some 0.7, double of it 0.2 (docs/decisions.md)."""


def of_pieces(learned: Pieces, texts: int, wanted: int) -> Iterator[Finding]:
    """Yield what was learned, and whether it is too much for the texts.

    Args:
        learned: Of the texts.
        texts: How many there were.
        wanted: Pieces that were asked for; 0: the advised number.
    """
    count = len(learned.tokens)
    if not count:
        what = f"no pair of letters is seen {2 if wanted else SEEN_OFTEN} times: no piece is added"
        yield Finding("vocabulary.few_texts", what, "warning", "vocabulary")
        return
    how = "as asked" if wanted else "the advised number"
    said = (
        f"{count} pieces ({how}) learned from {texts} texts with {learned.letters} Ethiopic "
        f"letters: {learned.letters_a_token:.2f} letters a token, {learned.seen_often:.0%} of the "
        f"pieces seen at least {SEEN_OFTEN} times"
    )
    yield Finding("vocabulary.pieces", said, "info", "vocabulary")
    if wanted and count < wanted:
        what = f"{wanted} pieces were asked for; in these texts only {count} are seen twice"
        yield Finding("vocabulary.few_texts", what, "warning", "new_tokens")
    elif wanted and learned.seen_often < _FEW_OFTEN:
        what = (
            f"{1 - learned.seen_often:.0%} of the pieces are seen fewer than {SEEN_OFTEN} times: "
            "they will hardly be learned; new_tokens 0 takes as many as the texts can teach"
        )
        yield Finding("vocabulary.rare_pieces", what, "warning", "new_tokens")


def of_clips(clips: Sequence[Clip]) -> Finding:
    """Return how many text tokens the clips have: a second of speech, a clip, at most."""
    seconds = sum(clip.samples for clip in clips) / RATE
    said = pace([len(clip.tokens) for clip in clips], seconds)
    return Finding("vocabulary.tokens", said, "info", "vocabulary")
