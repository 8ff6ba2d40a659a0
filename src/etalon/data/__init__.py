"""From raw public or personal files to the data contract."""
