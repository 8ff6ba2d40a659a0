"""Etalon: one representation of a spectrum for every spectrometer."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etalon.embedder import SpectralEmbedder

__all__ = ["SpectralEmbedder"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the command line and the workflow's plan need no scikit-learn."""
    if name in __all__:
        from etalon import embedder

        return getattr(embedder, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
