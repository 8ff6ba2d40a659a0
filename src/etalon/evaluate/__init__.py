"""Tasks, folds, scores and perturbations."""
