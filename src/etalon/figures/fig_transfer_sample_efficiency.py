"""fig_transfer_sample_efficiency."""
