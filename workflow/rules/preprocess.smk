# What is made once for a dataset and shared by every method: baselines and folds.


rule precompute_asls:
    input:
        metadata="<data>/{kind}/{dataset}/metadata.json",
    output:
        baseline="<data>/{kind}/{dataset}/baseline_asls.npy",
    log:
        "<logs>/precompute_asls/{kind}/{dataset}.log",
    benchmark:
        "<data>/benchmarks/precompute_asls/{kind}/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: asls_threads
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        data=subpath(input.metadata, parent=True),
        settings=settings("asls"),
        code=code_digest("precompute_asls"),
        origin=origin,
    shell:
        "python -m etalon.stages.precompute_asls --data {params.data:q} --settings {params.settings:q}"
        " --threads {threads} --out {output.baseline:q} &> {log:q}"


rule make_folds:
    input:
        metadata=imported,
    output:
        folds="<data>/splits/{dataset}.parquet",
    log:
        "<logs>/make_folds/{dataset}.log",
    benchmark:
        "<data>/benchmarks/make_folds/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        data=subpath(input.metadata, parent=True),
        settings=settings("folds"),
        seed=config["seed"],
        code=code_digest("make_folds"),
        origin=origin,
    shell:
        "python -m etalon.stages.make_folds --data {params.data:q} --settings {params.settings:q}"
        " --seed {params.seed} --out {output.folds:q} &> {log:q}"
