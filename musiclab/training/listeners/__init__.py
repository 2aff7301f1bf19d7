"""Training what hears notes: lines, chords and drums, and how likely each note is right."""
