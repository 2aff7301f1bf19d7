"""Measurements on material whose truth is known: separation, and what it does for transcription."""

from musiclab.evaluation.parts import PartScore, PartsResult, parts
from musiclab.evaluation.stems import SILENCE, SeparationResult, StemScore, separation

__all__ = ["SILENCE", "PartScore", "PartsResult", "SeparationResult", "StemScore", "parts", "separation"]
