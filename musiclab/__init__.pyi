from .audio import Audio as Audio
from .codecs import load as load
from .datasets import demo as demo
from .datasets import demo_songs as demo_songs
from .notation.whole import lead_sheet as lead_sheet
from .notation.whole import score as score
from .notes import Note as Note
from .notes import Part as Part
from .recipes.remix.pack import RemixPack as RemixPack
from .recipes.remix.pack import remix_pack as remix_pack
from .recipes.sampling.pack import Samples as Samples
from .recipes.sampling.pack import samples as samples
from .separation import separate as separate
from .separation.registry import engines as engines
from .stems import Stems as Stems
from .transcription import listen as listen
from .transcription import transcribe as transcribe
from .transcription.beats import track_beats as track_beats
from .transcription.context import in_context as in_context
from .transcription.form import sections as sections
from .widgets.blind.listening_test import ListeningTest as ListeningTest
from .widgets.blind.rating_test import RatingTest as RatingTest
from .widgets.explorer.explorer import SpectrogramExplorer as SpectrogramExplorer
from .widgets.masklab.masklab import MaskLab as MaskLab
from .widgets.mixer.mixer import Mixer as Mixer
from .widgets.scoreview.scoreview import ScoreView as ScoreView

__version__: str
