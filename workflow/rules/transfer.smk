# Study 2, calibration transfer with few samples. One job an instrument that trains, with all its partners.


# The specimens of a dataset measured by other instruments: too many predictions to keep, scored as they are made.
rule classical_transfer:
    input:
        data=lambda wildcards: contents([wildcards.dataset, *MEASURED_ALSO[wildcards.dataset]]),
        folds="<data>/splits/{dataset}.parquet",
    output:
        scores="<results>/scores/classical_transfer/{dataset}.parquet",
        record="<results>/scores/classical_transfer/{dataset}.json",
    log:
        "<logs>/classical_transfer/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/classical_transfer/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        partners=lambda wildcards: folders(MEASURED_ALSO[wildcards.dataset]),
        settings=experiment_settings("classical_transfer"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("classical_transfer"),
        origin=lambda wildcards: origins([wildcards.dataset, *MEASURED_ALSO[wildcards.dataset]]),
    shell:
        "python -m etalon.stages.classical_transfer --run {params.run} --data {params.data:q}"
        " --partners {params.partners:q} --folds {input.folds:q} --settings {params.settings:q} --seed {params.seed}"
        " --threads {threads} --out {output.scores:q} --record {output.record:q} &> {log:q}"


rule transfer:
    input:
        drawn("fig_transfer_sample_efficiency", "tab_transfer_benchmark", "fig_transfer_benchmark"),
        drawn("fig_transfer_matrix", "fig_transfer_set_composition"),
