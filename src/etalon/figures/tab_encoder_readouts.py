"""tab_encoder_readouts: which numbers of a perceiver a calibration should read.

Read-outs: the small projections of all latents, concatenated ("ridge"), the mean latent, the first latent, and the
decoder's states at fixed wavelengths ("patches"), each under ridge with the mean and SD of the spectrum beside it. The
columns are those of `etalon.figures.encoder_table`; the control is the untrained encoder under the same read-out.
"""

from itertools import product

from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.encoder_latex import typeset
from etalon.figures.encoder_rows import LADDER, is_perceiver, variant_of
from etalon.figures.encoder_table import tabulate
from etalon.figures.latex import write
from etalon.figures.style import REFERENCE, order

READOUTS = ("ridge", "ridge_mean", "ridge_cls", "ridge_patches")


def wanted(present: list[str], task: str) -> list[str]:
    """Return the rows of regression tasks: tuned PLS, then every perceiver under each read-out."""
    perceivers = {"random_init", *LADDER, *(variant_of(name) for name in present if is_perceiver(variant_of(name)))}
    names = [f"{variant}/{head}" for variant, head in product(perceivers, READOUTS)]
    return [REFERENCE[task], *sorted(names, key=order(names).index)]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    metrics = load_metrics(args.metrics)
    table = tabulate(metrics[metrics["task"] == "regression"], wanted)
    write(
        table,
        typeset(table, "Read-outs of the perceiver", "encoder-readouts", ("control",)),
        args.out_csv,
        args.out_tex,
    )


if __name__ == "__main__":
    run(main)
