"""Mel-Band RoFormer: transformers over time and over mel bands. See `engine`."""
