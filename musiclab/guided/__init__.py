"""The studio: a page without code. Drop a song, hear its instruments, read a part, take the lesson home."""
