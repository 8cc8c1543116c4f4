"""Amharic text to phonemes: backends, their order, their comparison."""

from amharic_tts.g2p.pipeline import EnhancedAmharicG2P, G2PBackend, G2PResult

__all__ = ["EnhancedAmharicG2P", "G2PBackend", "G2PResult"]
