"""Pretraining: batches, the loop, checkpoints."""
