"""Two studios that render music with its truth: whole songs for the separator, clips for the listeners."""
