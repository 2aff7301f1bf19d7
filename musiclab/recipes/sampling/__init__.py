"""Loops and one-shots of a song, cut to be used again: `pack.samples`."""
