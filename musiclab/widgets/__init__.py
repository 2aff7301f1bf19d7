"""Widgets for notebooks: each is a Python class with its own JavaScript and CSS beside it."""
