"""Calibrations of a person's own spectra: chosen, judged, kept in a file, used, and carried to another instrument."""
