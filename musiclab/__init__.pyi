from .audio import Audio as Audio
from .codecs import load as load
from .datasets import demo as demo
from .datasets import demo_songs as demo_songs
from .separation import engines as engines
from .separation import separate as separate
from .stems import Stems as Stems
from .widgets.mixer import Mixer as Mixer

__version__: str
