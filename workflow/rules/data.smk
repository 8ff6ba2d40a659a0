# From the catalogue to datasets in the data contract.


rule datasets:
    input:
        everything_imported,


# A fetched file is known by its checksum: neither the code that fetched it nor the mirror it came from is a param.
rule fetch_dataset:
    output:
        status="<data>/raw/status/{dataset}.json",
    log:
        "<logs>/fetch_dataset/{dataset}.log",
    benchmark:
        "<data>/benchmarks/fetch_dataset/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=500,
        runtime=60,
    params:
        catalogue=config["catalogue"],
        raw=subpath(output.status, ancestor=2),
        source=source_digest,
    shell:
        "python -m etalon.stages.fetch_dataset --catalogue {params.catalogue:q} --dataset {wildcards.dataset}"
        ' --raw {params.raw:q} ${{ETALON_MIRROR:+--mirror "$ETALON_MIRROR"}} --out {output.status:q} &> {log:q}'


# Forgets the datasets that could not be had, so that the next call tries again.
rule retry_downloads:
    log:
        "<logs>/retry_downloads/data.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        status=Path(config["data_dir"]) / "raw" / "status",
    shell:
        "(grep --files-with-matches '\"available\": *false' {params.status:q}/*.json || true)"
        " | xargs --no-run-if-empty rm --verbose &> {log:q}"


rule import_dataset:
    input:
        status="<data>/raw/status/{dataset}.json",
    output:
        metadata="<data>/{kind}/{dataset}/metadata.json",
    log:
        "<logs>/import_dataset/{kind}/{dataset}.log",
    benchmark:
        "<data>/benchmarks/import_dataset/{kind}/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        catalogue=config["catalogue"],
        raw=subpath(input.status, ancestor=2),
        seed=config["seed"],
        source=source_digest,
        code=reader_digest,
    shell:
        "python -m etalon.stages.import_dataset --catalogue {params.catalogue:q} --dataset {wildcards.dataset}"
        ' --raw {params.raw:q} ${{ETALON_MIRROR:+--mirror "$ETALON_MIRROR"}} --status {input.status:q}'
        " --seed {params.seed} --out {output.metadata:q} &> {log:q}"
