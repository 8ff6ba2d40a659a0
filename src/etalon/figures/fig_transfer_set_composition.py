"""fig_transfer_set_composition."""
