"""What is raised on purpose is one class, and shows itself to people as one sentence."""

import pickle
import traceback

import pytest
from IPython.core.interactiveshell import InteractiveShell

import musiclab
from musiclab import errors


def classes():
    return [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, Exception)]


@pytest.mark.parametrize("kind", classes())
def test_a_notebook_shows_the_sentence_alone(kind):
    """What a cell shows is what a kernel sends to JupyterLab, Notebook and Voila."""
    shell = InteractiveShell()
    sent = []
    shell._showtraceback = lambda _kind, _error, lines: sent.append(lines)
    shell.user_ns["kind"] = kind
    shell.run_cell(
        "def deep():\n    raise kind('There is no such song: give another path.') from OSError('2')\n\ndeep()"
    )
    assert sent == [["There is no such song: give another path."]]


def test_a_mistake_of_the_programmer_keeps_its_traceback():
    shell, sent = InteractiveShell(), []
    shell._showtraceback = lambda _kind, _error, lines: sent.append(lines)
    shell.run_cell("1 / 0")
    assert "ZeroDivisionError" in "\n".join(sent[0])


def test_a_program_still_sees_where_it_happened(tmp_path):
    with pytest.raises(errors.MusiclabError) as caught:
        musiclab.load(tmp_path / "none.wav")
    assert "codecs" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("kind", classes())
def test_what_a_damaged_file_says_makes_no_message_endless(kind):
    """Where a message begins, and what to do, are kept: what it quotes loses its middle."""
    error = kind(f"The sr can't be {'x' * 5000 + 'y' * 5000!r}: delete the card.")
    assert str(error).startswith("The sr can't be 'xxx")
    assert str(error).endswith("yyy': delete the card.")
    assert " … " in str(error)
    assert len(str(error)) == errors.LONGEST
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(kind("x" * errors.LONGEST)) == "x" * errors.LONGEST
    assert kind("gone", 2).args == ("gone", 2)


def test_all_have_one_root():
    assert len(classes()) > 8
    assert all(issubclass(kind, errors.MusiclabError) for kind in classes())
