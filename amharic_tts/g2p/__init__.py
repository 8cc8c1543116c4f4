"""Amharic text to phonemes: backends, their order, their comparison."""

from amharic_tts.g2p.pipeline import DOCUMENTED_ORDER, EnhancedAmharicG2P, G2PBackend, G2PResult
from amharic_tts.g2p.quality import Quality, Thresholds

__all__ = [
    "DOCUMENTED_ORDER",
    "EnhancedAmharicG2P",
    "G2PBackend",
    "G2PResult",
    "Quality",
    "Thresholds",
]
