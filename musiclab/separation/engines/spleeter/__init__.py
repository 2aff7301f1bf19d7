"""Spleeter by Deezer, in torch: the network, its framing and masks, and readers of its weights."""
