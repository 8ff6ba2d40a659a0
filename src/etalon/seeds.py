"""Random seeds derived from the named axes along which a result should vary."""

import hashlib


def derive_seed(main: int, *axes: object) -> int:
    """Return a seed in [0, 2**32) that depends on `main` and on the names and numbers in `axes` alone.

    ``derive_seed(main, "folds", dataset)`` gives every method the same folds;
    ``derive_seed(main, "init", variant, seed)`` does not give every variant the same weights.
    """
    text = "\x1f".join([str(int(main)), *(str(axis) for axis in axes)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
