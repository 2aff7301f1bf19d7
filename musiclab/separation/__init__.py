"""Taking a mixture apart: `separate`, and the table of `engines` that can do it.

Notebook: 01
"""

from musiclab.separation.engine import Engine, EngineInfo, EngineTable, Licence
from musiclab.separation.registry import engines, load_engine
from musiclab.separation.run import separate

__all__ = ["Engine", "EngineInfo", "EngineTable", "Licence", "engines", "load_engine", "separate"]
