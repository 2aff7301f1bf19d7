"""From a stem to its notes, and from notes to a score."""

from musiclab.transcription.listening import Evidence, listen, transcribe

__all__ = ["Evidence", "listen", "transcribe"]
