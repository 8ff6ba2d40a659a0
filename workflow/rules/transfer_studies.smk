# Further studies of calibration transfer: ageing instruments, other modalities, what a network attends to, its latent
# space, outliers. Networks are those of pretrain_transfer.


# An instrument that grows old, and a calibration of its youth; recalibrated with a few standards.
rule classical_ageing:
    input:
        data=lambda wildcards: contents([wildcards.dataset]),
        folds="<data>/splits/{dataset}.parquet",
    output:
        scores="<results>/scores/classical_ageing/{dataset}.parquet",
        record="<results>/scores/classical_ageing/{dataset}.json",
    log:
        "<logs>/classical_ageing/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/classical_ageing/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        settings=experiment_settings("classical_ageing"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("classical_ageing"),
        origin=lambda wildcards: origins([wildcards.dataset]),
    shell:
        "python -m etalon.stages.classical_ageing --run {params.run} --data {params.data:q} --folds {input.folds:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.scores:q}"
        " --record {output.record:q} &> {log:q}"


rule learned_ageing:
    input:
        data=lambda wildcards: contents([wildcards.dataset]),
        folds="<data>/splits/{dataset}.parquet",
        encoder=study_checkpoint,
    output:
        scores="<results>/scores/learned_ageing/{dataset}.parquet",
        record="<results>/scores/learned_ageing/{dataset}.json",
    log:
        "<logs>/learned_ageing/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/learned_ageing/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        settings=experiment_settings("learned_ageing"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("learned_ageing"),
        origin=lambda wildcards: origins([wildcards.dataset]),
    shell:
        "python -m etalon.stages.learned_ageing --run {params.run} --data {params.data:q} --folds {input.folds:q}"
        " --encoder {input.encoder:q} --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.scores:q} --record {output.record:q} &> {log:q}"


# A calibration of one modality, on specimens of another.
rule cross_modality:
    input:
        data=lambda wildcards: contents([wildcards.dataset, *MEASURED_ALSO[wildcards.dataset]]),
        folds="<data>/splits/{dataset}.parquet",
        encoders=modality_checkpoints,
    output:
        scores="<results>/scores/cross_modality/{dataset}.parquet",
        record="<results>/scores/cross_modality/{dataset}.json",
    log:
        "<logs>/cross_modality/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/cross_modality/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        partners=lambda wildcards: folders(MEASURED_ALSO[wildcards.dataset]),
        encoders=lambda wildcards, input: " ".join(
            f"--encoder {variant} {path}" for variant, path in zip(MODALITY_VARIANTS, input.encoders)
        ),
        settings=experiment_settings("cross_modality"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("cross_modality"),
        origin=lambda wildcards: origins([wildcards.dataset, *MEASURED_ALSO[wildcards.dataset]]),
    shell:
        "python -m etalon.stages.cross_modality --run {params.run} --data {params.data:q} --folds {input.folds:q}"
        " --partners {params.partners:q} {params.encoders} --settings {params.settings:q} --seed {params.seed}"
        " --threads {threads} --out {output.scores:q} --record {output.record:q} &> {log:q}"


rule attention_map:
    input:
        data=lambda wildcards: contents([wildcards.dataset]),
        folds="<data>/splits/{dataset}.parquet",
        encoder=study_checkpoint,
    output:
        scores="<results>/scores/attention_map/{dataset}.parquet",
        record="<results>/scores/attention_map/{dataset}.json",
    log:
        "<logs>/attention_map/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/attention_map/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        variant=config["transfer_studies"]["variant"],
        settings=experiment_settings("attention_map"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("attention_map"),
        origin=lambda wildcards: origins([wildcards.dataset]),
    shell:
        "python -m etalon.stages.attention_map --run {params.run} --data {params.data:q} --folds {input.folds:q}"
        " --variant {params.variant} --encoder {input.encoder:q} --settings {params.settings:q} --seed {params.seed}"
        " --threads {threads} --out {output.scores:q} --record {output.record:q} &> {log:q}"


# Places on a map are no numbers to compare: no part of what `verify` compares.
if LATENT_PAIRS:

    rule latent_map:
        input:
            data=contents(sorted({dataset for pair in LATENT_PAIRS for dataset in pair})),
            folds=[f"<data>/splits/{source}.parquet" for source, _ in LATENT_PAIRS],
            encoders=[transfer_checkpoint(source) for source, _ in LATENT_PAIRS],
        output:
            table="<results>/metrics/transfer_latent_map.parquet",
        log:
            "<logs>/latent_map/<run>.log",
        benchmark:
            "<results>/benchmarks/latent_map.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(20),
        params:
            pairs=lambda wildcards, input: " ".join(
                f"--pair {' '.join(folders(pair))} {folds} {encoder}"
                for pair, folds, encoder in zip(LATENT_PAIRS, input.folds, input.encoders)
            ),
            settings=experiment_settings("latent_map"),
            seed=config["seed"],
            run=config["run"],
            code=code_digest("latent_map"),
            origin=origins(sorted({dataset for pair in LATENT_PAIRS for dataset in pair})),
        shell:
            "python -m etalon.stages.latent_map --run {params.run} {params.pairs} --settings {params.settings:q}"
            " --seed {params.seed} --threads {threads} --out {output.table:q} &> {log:q}"


# Spoiled spectra among good ones, and which limit tells.
rule planted_outliers:
    input:
        data=lambda wildcards: contents([wildcards.dataset]),
        folds="<data>/splits/{dataset}.parquet",
    output:
        scores="<results>/scores/planted_outliers/{dataset}.parquet",
        record="<results>/scores/planted_outliers/{dataset}.json",
    log:
        "<logs>/planted_outliers/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/planted_outliers/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        settings=experiment_settings("planted_outliers"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("planted_outliers"),
        origin=lambda wildcards: origins([wildcards.dataset]),
    shell:
        "python -m etalon.stages.planted_outliers --run {params.run} --data {params.data:q} --folds {input.folds:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.scores:q}"
        " --record {output.record:q} &> {log:q}"
