"""The spectrogram explorer."""
