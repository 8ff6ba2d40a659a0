"""`etalon embed`: the embeddings of a dataset as a wide table, one row a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etalon.commands.own import DATA, Data, Dataset, Encoder, Json, checkpoint_of, open_dataset
from etalon.errors import BadInputError

FORMATS = (".parquet", ".csv")


def embed(
    dataset: Dataset,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Table to write, .parquet or .csv.")],
    encoder: Encoder = "shipped",
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where the weights are computed.")] = "auto",
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Turn spectra into rows of equal length, whatever the instrument: sample_id, specimen, then the embedding.

    \b
    etalon embed mine --out z.parquet
    etalon embed mine --encoder fs --out z.csv
    etalon embed data/real/mine --encoder my_weights.safetensors --out z.parquet

    On whole sets `fs`, which needs no weights, did as well as the shipped weights or better; `etalon doctor --card`
    shows the model card with the scores. Only spectra with a wavelength axis can be embedded.
    """
    if out.suffix.lower() not in FORMATS:
        raise BadInputError("command line", "--out", f"a file that ends in {' or '.join(FORMATS)}", repr(out.name))
    import pandas as pd

    from etalon.commands.output import print_json
    from etalon.embedder import embed_stored
    from etalon.storage import replacing

    spectra = open_dataset(dataset, data)
    checkpoint = checkpoint_of(encoder)
    metadata = spectra.metadata
    blocks = embed_stored(
        spectra.intensities,
        spectra.wavelengths,
        modality=metadata.modality,
        axis_unit=metadata.axis_unit,
        checkpoint=None if checkpoint is None else str(checkpoint),
        device=device,
    )
    named = {f"{name}_{k:03d}": block[:, k] for name, block in blocks.items() for k in range(block.shape[1])}
    table = pd.DataFrame({"sample_id": spectra.sample_id, "specimen": spectra.specimen, **named})
    with replacing(out) as temporary:
        if out.suffix.lower() == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)
    if as_json:
        sizes = {name: block.shape[1] for name, block in blocks.items()}
        weights = None if checkpoint is None else str(checkpoint)
        print_json({"file": str(out), "samples": len(table), "blocks": sizes, "encoder": encoder, "weights": weights})
        return
    sizes_said = ", ".join(f"{name} {block.shape[1]}" for name, block in blocks.items())
    typer.echo(f"{len(table)} samples x {len(named)} numbers ({sizes_said}), encoder {encoder}, written to {out}")
