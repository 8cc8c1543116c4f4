"""Phonemes out of sound, without torch: numpy and what the models bring."""
