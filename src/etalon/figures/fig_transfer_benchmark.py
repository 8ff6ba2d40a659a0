"""fig_transfer_benchmark."""
