"""Two halves of the dataset families: methods are chosen on the first and reported on the second, once."""

from etalon.seeds import derive_seed

SELECTION, REPORT = "selection", "report"
SEED = 1  # the main seed when the halves were fixed; another run of the workflow must not move them


def half_of(family: str, seed: int = SEED) -> str:
    """Return `SELECTION` or `REPORT`: which half a family belongs to depends on its name and the seed alone.

    A dataset that joins the catalogue therefore moves no other family, and no choice that was made before it came.
    """
    return (SELECTION, REPORT)[derive_seed(seed, "half", family) % 2]
