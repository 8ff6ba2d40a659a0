"""Etalon: one representation of a spectrum for every spectrometer."""
