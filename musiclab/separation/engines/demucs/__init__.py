"""Demucs: its networks in our loop, in the form that is fastest on this machine."""
