"""One module a figure or table. They read metrics tables and nothing else."""
