"""Synthetic spectra with known chemistry."""
