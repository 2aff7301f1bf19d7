"""Take any song apart: hear each instrument, see how it was separated, read its part as sheet music."""

import os

import lazy_loader

# ONNX Runtime, which hears notes, reports to its maker unless it is told not to before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
