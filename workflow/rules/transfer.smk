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


# One Gaussian process over two instruments, on spectra or on embeddings by an encoder that never saw the family.
rule evidence_transfer:
    input:
        data=lambda wildcards: contents([wildcards.dataset, *MEASURED_ALSO[wildcards.dataset]]),
        folds="<data>/splits/{dataset}.parquet",
        checkpoint=features_checkpoint,
    output:
        scores="<results>/scores/evidence_transfer/{dataset}/{features}/seed{seed}.parquet",
        record="<results>/scores/evidence_transfer/{dataset}/{features}/seed{seed}.json",
    log:
        "<logs>/evidence_transfer/<run>/{dataset}/{features}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/evidence_transfer/{dataset}/{features}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        partners=lambda wildcards: folders(MEASURED_ALSO[wildcards.dataset]),
        encoder=lambda wildcards: "none" if wildcards.features == SPECTRA else VARIANTS[wildcards.features]["encoder"],
        checkpoint=lambda wildcards, input: input.checkpoint or "none",
        settings=experiment_settings("evidence_transfer"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("evidence_transfer"),
        origin=lambda wildcards: origins([wildcards.dataset, *MEASURED_ALSO[wildcards.dataset]]),
    shell:
        "python -m etalon.stages.evidence_transfer --run {params.run} --encoder {params.encoder}"
        " --checkpoint {params.checkpoint:q} --features {wildcards.features} --encoder-seed {wildcards.seed}"
        " --data {params.data:q} --partners {params.partners:q} --folds {input.folds:q} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {output.scores:q} --record {output.record:q} &> {log:q}"


# A patch transformer that saw none of the families it is judged on. Started again after a kill, it goes on from the
# state that it saved beside its checkpoint.
rule pretrain_transfer:
    input:
        data=lambda wildcards: contents(unpaired(wildcards)),
        synthetic=corpus_shards("training"),
    output:
        checkpoint="<results>/transfer/checkpoints/{variant}/{heldout}/seed{seed}.safetensors",
        record="<results>/transfer/checkpoints/{variant}/{heldout}/seed{seed}.json",
        curves="<results>/transfer/pretraining/{variant}/{heldout}/seed{seed}.parquet",
    log:
        "<logs>/pretrain_transfer/<run>/{variant}/{heldout}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/pretrain_transfer/{variant}/{heldout}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: config["pretraining"]["threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
        gpu=1,
    params:
        data=lambda wildcards: folders(unpaired(wildcards)),
        families=kept_out,
        settings=pretraining_settings,
        seed=config["seed"],
        code=code_digest("pretrain_transfer"),
        origin=lambda wildcards: origins(unpaired(wildcards)),
    shell:
        "python -m etalon.stages.pretrain_transfer --data {params.data:q} --synthetic {input.synthetic:q}"
        " --variant {wildcards.variant} --heldout {wildcards.heldout} --heldout-families {params.families:q}"
        " --encoder-seed {wildcards.seed} --seed {params.seed} --threads {threads} --settings {params.settings:q}"
        " --out {output.checkpoint:q} --curves {output.curves:q} &> {log:q}"


rule learned_transfer:
    input:
        data=lambda wildcards: contents([wildcards.dataset, *learned_pairs(wildcards.dataset, wildcards.variant)]),
        folds="<data>/splits/{dataset}.parquet",
        encoder=network_of,
    output:
        scores="<results>/scores/learned_transfer/{dataset}/{variant}/seed{seed}.parquet",
        predictions="<results>/predictions/learned_transfer/{dataset}/{variant}/seed{seed}.parquet",
        record="<results>/scores/learned_transfer/{dataset}/{variant}/seed{seed}.json",
    log:
        "<logs>/learned_transfer/<run>/{dataset}/{variant}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/learned_transfer/{dataset}/{variant}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        data=lambda wildcards: folders([wildcards.dataset]),
        partners=lambda wildcards: folders(learned_pairs(wildcards.dataset, wildcards.variant)),
        heldout=lambda wildcards: fold_of(wildcards.dataset),
        settings=learned_settings,
        seed=config["seed"],
        run=config["run"],
        code=code_digest("learned_transfer"),
        origin=lambda wildcards: origins([wildcards.dataset, *MEASURED_ALSO[wildcards.dataset]]),
    shell:
        "python -m etalon.stages.learned_transfer --run {params.run} --data {params.data:q}"
        " --partners {params.partners:q} --folds {input.folds:q} --encoder {input.encoder:q}"
        " --variant {wildcards.variant} --heldout {params.heldout} --settings {params.settings:q} --seed {params.seed}"
        " --threads {threads} --predictions {output.predictions:q} --out {output.scores:q} --record {output.record:q}"
        " &> {log:q}"


if learned_jobs():

    # What a transfer costs, measured on the first pair that networks are tried on.
    rule measure_transfer_cost:
        input:
            data=contents(costed_pair()),
            folds=f"<data>/splits/{costed_pair()[0]}.parquet",
            encoder=checkpoint_path(config["transfer"]["learned"]["variants"][0], fold_of(costed_pair()[0]), 0),
        output:
            table="<results>/metrics/transfer_cost.parquet",
            record="<results>/metrics/transfer_cost.json",
        log:
            "<logs>/measure_transfer_cost/<run>.log",
        benchmark:
            "<results>/benchmarks/measure_transfer_cost.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            data=folders(costed_pair()),
            variant=config["transfer"]["learned"]["variants"][0],
            settings=transfer_cost_settings(),
            seed=config["seed"],
            run=config["run"],
            code=code_digest("measure_transfer_cost"),
            origin=origins(costed_pair()),
        shell:
            "python -m etalon.stages.measure_transfer_cost --run {params.run} --data {params.data[0]:q}"
            " --partner {params.data[1]:q} --folds {input.folds:q} --encoder {input.encoder:q}"
            " --variant {params.variant} --settings {params.settings:q} --seed {params.seed} --threads {threads}"
            " --out {output.table:q} --record {output.record:q} &> {log:q}"


rule transfer:
    input:
        drawn("fig_transfer_sample_efficiency", "tab_transfer_benchmark", "fig_transfer_benchmark"),
        drawn("tab_transfer_claim", "fig_transfer_matrix", "fig_transfer_set_composition"),
        drawn(*filter(OF_NETWORKS.__contains__, FIGURES)),
        drawn(*(figure for figure, table in STUDY_FIGURES.items() if table not in EMPTY)),
