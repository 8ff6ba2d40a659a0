"""Corrections of spectra: baselines, scatter, derivatives."""
