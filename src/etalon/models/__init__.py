"""Encoders: from spectra on any grid to embeddings of fixed size, in named blocks."""
