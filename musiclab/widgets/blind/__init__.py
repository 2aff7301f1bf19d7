"""Blind tests: ABX, and ratings of several versions."""
