"""Choosing a song, and all that follows from it."""
