# From the catalogue to datasets in the data contract.


rule datasets:
    input:
        everything_imported,


# A fetched file is known by its checksum: neither the code that fetched it nor the mirror it came from is a param.
rule fetch_dataset:
    input:
        retry=retry_mark,
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
        " --raw {params.raw:q} --out {output.status:q} &> {log:q}"


# Marks the datasets that could not be had; the next call tries them again. A mark differs from the last in its content,
# since a small file that was only touched counts as unchanged.
rule retry_downloads:
    log:
        "<logs>/retry_downloads/data.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        status=Path(config["data_dir"]) / "raw" / "status",
    shell:
        "(grep --files-with-matches '\"available\": *false' {params.status:q}/*.json || true) 2> {log:q}"
        ' | while read -r status; do date +%s.%N | tee "${{status%.json}}.retry" >> {log:q}; done'


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
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        catalogue=config["catalogue"],
        raw=subpath(input.status, ancestor=2),
        seed=config["seed"],
        source=source_digest,
        code=reader_digest,
    shell:
        "python -m etalon.stages.import_dataset --catalogue {params.catalogue:q} --dataset {wildcards.dataset}"
        " --raw {params.raw:q} --status {input.status:q} --seed {params.seed}"
        " --out {output.metadata:q} &> {log:q}"
