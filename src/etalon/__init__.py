"""Etalon: one representation of a spectrum for every spectrometer."""

__version__ = "0.1.0"
