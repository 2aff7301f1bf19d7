"""Taking a mixture apart: `separate`, and the engines that can do it (`registry.engines` is their table).

Notebook: 01
"""

from musiclab.separation.engine import Engine, EngineInfo, EngineTable, Licence
from musiclab.separation.registry import load_engine
from musiclab.separation.run import separate

__all__ = ["Engine", "EngineInfo", "EngineTable", "Licence", "load_engine", "separate"]
