"""Disturbances of training spectra, as transforms that can be composed."""
