"""Linear calibration methods of the field."""
