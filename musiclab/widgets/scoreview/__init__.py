"""The score view: sheet music that follows what sounds."""
