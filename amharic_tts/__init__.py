"""Amharic voice studio: prepare a dataset, compare phonemes, train an XTTS voice, listen to it."""

__version__ = "0.1.0"
