"""The weights that come with the package; what they are and what they are worth stands in MODEL_CARD.md beside them."""

from importlib.resources import files
from pathlib import Path

from etalon.errors import BadInputError

NAME = "fsnl_episodic_asls"
CARD = "MODEL_CARD.md"


def shipped() -> Path:
    """Return the file of the shipped weights; its record is the JSON beside it.

    Raises
    ------
    BadInputError : this installation lacks it
    """
    path = Path(str(files(__package__) / f"{NAME}.safetensors"))
    if not path.is_file():
        raise BadInputError(path, "file", "the weights that come with etalon", "no such file")
    return path


def card() -> str:
    """Return the model card, Markdown."""
    return (shipped().parent / CARD).read_text(encoding="utf-8")
