from .audio import Audio as Audio
from .codecs import load as load
from .datasets import demo as demo
from .datasets import demo_songs as demo_songs
from .notes import Note as Note
from .notes import Part as Part
from .separation import engines as engines
from .separation import separate as separate
from .stems import Stems as Stems
from .transcription import listen as listen
from .transcription import transcribe as transcribe
from .transcription.beats import track_beats as track_beats
from .transcription.context import in_context as in_context
from .widgets.explorer import SpectrogramExplorer as SpectrogramExplorer
from .widgets.listening_test import ListeningTest as ListeningTest
from .widgets.masklab import MaskLab as MaskLab
from .widgets.mixer import Mixer as Mixer
from .widgets.rating_test import RatingTest as RatingTest
from .widgets.scoreview import ScoreView as ScoreView

__version__: str
