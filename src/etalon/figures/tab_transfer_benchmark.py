"""tab_transfer_benchmark."""
