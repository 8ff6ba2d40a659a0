"""fig_transfer_matrix."""
