"""What can go wrong, as classes: one root, and one class for each thing a caller can act on.

Every message is one sentence that says what is wrong and what to do about it.
"""

LONGEST = 500  # characters of a message: names and values that it quotes may come from a damaged file


class MusiclabError(Exception):
    """The root: catch it to catch everything that musiclab raises on purpose.

    In a notebook (JupyterLab, Notebook, Voila) it shows its sentence alone: the lines of code between the cell and the
    sentence say nothing to a reader. ``err.__traceback__`` and ``%debug`` have them still, as has a terminal.
    """

    def __init__(self, *said: object) -> None:
        super().__init__(*(_shortened(one) if isinstance(one, str) else one for one in said))

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython shows in place of a traceback."""
        return [str(self)]


def _shortened(text: str) -> str:
    """Without the middle of what is too long to be read: how it begins, and what to do, are kept."""
    if len(text) <= LONGEST:
        return text
    end = LONGEST * 2 // 5
    return f"{text[: LONGEST - end - 3]} … {text[-end:]}"


class AudioError(MusiclabError):
    """The audio can't be read, or is not fit for use (empty, silent, NaN, too long): give another file."""


class ExportError(MusiclabError):
    """A file can't be written (format, folder, disk): give another format or place; nothing was lost."""


class EngineError(MusiclabError):
    """No such engine, or it can't work on this input: choose another from `engines()`."""


class OfflineError(EngineError):
    """The engine's weights are not here and can't be fetched: go online, or choose an engine that is ready."""


class WeightsError(EngineError):
    """Weights are damaged, changed, or in an unsafe format: delete and download them again."""


class DeviceError(EngineError):
    """The device is not there, or its memory is too small even for one segment: choose another device."""


class Cancelled(MusiclabError):
    """The user stopped it: nothing half-done was kept."""


class StoreError(MusiclabError):
    """The cache folder can't be used: free some space or set another folder."""


class TranscriptionError(MusiclabError):
    """The part can't be transcribed or engraved as asked: give another instrument or other settings."""


class LyricsError(MusiclabError):
    """The lyrics can't be used: mend the line that the message names, or give another file."""


class LessonError(MusiclabError):
    """The text of a hand-out can't be used: mend the line, link or picture that the message names."""


class DatasetError(MusiclabError):
    """A folder is not a dataset as expected: see the layout that the message names."""


class RequestError(MusiclabError):
    """What an agent asked for is refused (a name, a size, too much at once): ask for what the message names."""


class BatchError(MusiclabError):
    """A batch can't be run as asked (its options, its folders, its workers): what is done is kept, and it goes on."""


class MissingPackageError(MusiclabError, ImportError):
    """A package that this needs is not installed, as in a light install: the message says how to install it."""


class BundleError(MusiclabError):
    """An offline bundle can't be made: choose another platform, or say where the wheels are to be had."""


def fault(error: BaseException) -> str:
    """A sentence for what musiclab did not raise on purpose: what it was, and what to do about it."""
    said = (str(error).strip().splitlines() or [""])[0][:160].rstrip(".")
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: close other programs, or take a shorter part of the song."
    return f"This is a fault of musiclab ({what}): please report it, with what MUSICLAB_DEBUG=1 makes it say of where."
