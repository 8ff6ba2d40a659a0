"""Training objectives; formulas alone."""
