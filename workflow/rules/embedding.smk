# Study 1, the universal embedding. One job an experiment and dataset, then scores, then long tables.


rule classical_baselines:
    input:
        metadata=imported,
        baseline=baseline,
        folds="<data>/splits/{dataset}.parquet",
    output:
        predictions="<results>/predictions/classical/{dataset}.parquet",
        record="<results>/predictions/classical/{dataset}.json",
    log:
        "<logs>/classical_baselines/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/classical_baselines/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        data=subpath(input.metadata, parent=True),
        settings=settings("phase_0", leave_out=["tabpfn"]),
        seed=config["seed"],
        code=code_digest("classical_baselines"),
        origin=origin,
    shell:
        "python -m etalon.stages.classical_baselines --data {params.data:q} --folds {input.folds:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.predictions:q} --record {output.record:q} &> {log:q}"


rule tabpfn_baseline:
    input:
        metadata=imported,
        baseline=baseline,
        folds="<data>/splits/{dataset}.parquet",
    output:
        predictions="<results>/predictions/tabpfn/{dataset}.parquet",
        record="<results>/predictions/tabpfn/{dataset}.json",
    log:
        "<logs>/tabpfn_baseline/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/tabpfn_baseline/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
        gpu=1,
    params:
        data=subpath(input.metadata, parent=True),
        settings=settings("phase_0"),
        seed=config["seed"],
        code=code_digest("tabpfn_baseline"),
        origin=origin,
    shell:
        "python -m etalon.stages.tabpfn_baseline --data {params.data:q} --folds {input.folds:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.predictions:q} --record {output.record:q} &> {log:q}"


rule classical_robustness:
    input:
        metadata=imported,
        folds="<data>/splits/{dataset}.parquet",
        baselines="<results>/predictions/classical/{dataset}.json",
    output:
        predictions="<results>/predictions/classical_robustness/{dataset}.parquet",
        record="<results>/predictions/classical_robustness/{dataset}.json",
    log:
        "<logs>/classical_robustness/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/classical_robustness/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        data=subpath(input.metadata, parent=True),
        settings=settings("robustness", also=["asls"]),
        seed=config["seed"],
        code=code_digest("classical_robustness"),
        origin=origin,
    shell:
        "python -m etalon.stages.classical_robustness --data {params.data:q} --folds {input.folds:q}"
        " --baselines {input.baselines:q} --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.predictions:q} --record {output.record:q} &> {log:q}"


rule tabpfn_robustness:
    input:
        metadata=imported,
        folds="<data>/splits/{dataset}.parquet",
        baselines="<results>/predictions/tabpfn/{dataset}.json",
    output:
        predictions="<results>/predictions/tabpfn_robustness/{dataset}.parquet",
        record="<results>/predictions/tabpfn_robustness/{dataset}.json",
    log:
        "<logs>/tabpfn_robustness/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/tabpfn_robustness/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
        gpu=1,
    params:
        data=subpath(input.metadata, parent=True),
        settings=settings("robustness", also=["asls"]),
        seed=config["seed"],
        code=code_digest("tabpfn_robustness"),
        origin=origin,
    shell:
        "python -m etalon.stages.tabpfn_robustness --data {params.data:q} --folds {input.folds:q}"
        " --baselines {input.baselines:q} --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.predictions:q} --record {output.record:q} &> {log:q}"


# The other families that measure the same analyte train, on the range that all share.
rule classical_lodo:
    input:
        data=lambda wildcards: contents(NEIGHBOURS[wildcards.dataset]),
    output:
        predictions="<results>/predictions/classical_lodo/{dataset}.parquet",
        record="<results>/predictions/classical_lodo/{dataset}.json",
    log:
        "<logs>/classical_lodo/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/classical_lodo/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        training=lambda wildcards: folders(NEIGHBOURS[wildcards.dataset]),
        settings=experiment_settings("classical_lodo"),
        seed=config["seed"],
        code=code_digest("classical_lodo"),
        origin=lambda wildcards: origins(NEIGHBOURS[wildcards.dataset]),
    shell:
        "python -m etalon.stages.classical_lodo --data {params.data:q} --training {params.training:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.predictions:q} --record {output.record:q} &> {log:q}"


# The same specimens measured by another instrument are predicted.
rule classical_cross_instrument:
    input:
        data=lambda wildcards: contents([wildcards.dataset, *PARTNERS[wildcards.dataset]]),
        folds="<data>/splits/{dataset}.parquet",
    output:
        predictions="<results>/predictions/classical_cross_instrument/{dataset}.parquet",
        record="<results>/predictions/classical_cross_instrument/{dataset}.json",
    log:
        "<logs>/classical_cross_instrument/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/classical_cross_instrument/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        partners=lambda wildcards: folders(PARTNERS[wildcards.dataset]),
        settings=experiment_settings("classical_cross_instrument"),
        seed=config["seed"],
        code=code_digest("classical_cross_instrument"),
        origin=lambda wildcards: origins([wildcards.dataset, *PARTNERS[wildcards.dataset]]),
    shell:
        "python -m etalon.stages.classical_cross_instrument --data {params.data:q} --partners {params.partners:q}"
        " --folds {input.folds:q} --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.predictions:q} --record {output.record:q} &> {log:q}"


# Too many predictions to keep: scored as they are made.
rule classical_few_shot:
    input:
        metadata=imported,
        baseline=baseline,
    output:
        scores="<results>/scores/classical_few_shot/{dataset}.parquet",
        record="<results>/scores/classical_few_shot/{dataset}.json",
    log:
        "<logs>/classical_few_shot/<run>/{dataset}.log",
    benchmark:
        "<results>/benchmarks/classical_few_shot/{dataset}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        data=subpath(input.metadata, parent=True),
        settings=experiment_settings("classical_few_shot"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("classical_few_shot"),
        origin=origin,
    shell:
        "python -m etalon.stages.classical_few_shot --run {params.run} --data {params.data:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.scores:q} --record {output.record:q} &> {log:q}"


# An experiment on many datasets, or one encoder in all its trainings: a second a table, not a second a file.
rule score_predictions:
    input:
        data=lambda wildcards: contents(sets_scored(wildcards)),
        predictions=predictions_of("parquet"),
        records=predictions_of("json"),
    output:
        scores="<results>/scores/{scored}.parquet",
        record="<results>/scores/{scored}.json",
    log:
        "<logs>/score_predictions/<run>/{scored}.log",
    benchmark:
        "<results>/benchmarks/score_predictions/{scored}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        data=lambda wildcards: folders(sets_scored(wildcards)),
        run=config["run"],
        code=code_digest("score_predictions"),
        origin=lambda wildcards: origins(sets_scored(wildcards)),
    shell:
        "python -m etalon.stages.score_predictions --run {params.run} --data {params.data:q}"
        " --predictions {input.predictions:q} --out {output.scores:q} --record {output.record:q} &> {log:q}"


rule gather_metrics:
    input:
        scores=scores_of,
    output:
        metrics="<results>/metrics/{table}.parquet",
    log:
        "<logs>/gather_metrics/<run>/{table}.log",
    benchmark:
        "<results>/benchmarks/gather_metrics/{table}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        code=code_digest("gather_metrics"),
    shell:
        "python -m etalon.stages.gather_metrics --scores {input.scores:q}" " --out {output.metrics:q} &> {log:q}"


# Recomputes the run and compares it with the shipped metrics. All it writes is logs, which survive a failure.
rule verify:
    input:
        found=expand("<results>/metrics/{table}.parquet", table=TABLES),
        expected=everything_shipped,
    log:
        "<logs>/verify/<run>.log",
        numbers="<logs>/verify/<run>.csv",
    conda:
        "../../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        tolerance=settings("verify"),
    shell:
        "python -m etalon.stages.verify --found {input.found:q} --expected {input.expected:q}"
        " --settings {params.tolerance:q} --out {log.numbers:q} &> {log[0]:q} && cat {log[0]:q}"
