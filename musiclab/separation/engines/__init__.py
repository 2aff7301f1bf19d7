"""What can take a mixture apart: classical methods, our own network, and Demucs."""
