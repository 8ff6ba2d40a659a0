# Pretraining. One rule instance is one training: variant, fold of families held out, and seed are its wildcards.


# Generated spectra: those that trainings mix in, and, of more products and instruments, those compared with real ones.
# A corpus is as many files as its block of the configuration says, each with the sets of its share.
rule synthetic_corpus:
    output:
        tensors="<results>/corpus/{corpus}/shard{shard}.safetensors",
        record="<results>/corpus/{corpus}/shard{shard}.json",
    log:
        "<logs>/synthetic_corpus/<run>/{corpus}/shard{shard}.log",
    benchmark:
        "<results>/benchmarks/synthetic_corpus/{corpus}/shard{shard}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        settings=corpus_settings,
        seed=config["seed"],
        code=code_digest("synthetic_corpus"),
    shell:
        "python -m etalon.stages.synthetic_corpus --settings {params.settings:q} --seed {params.seed}"
        " --shard {wildcards.shard} --out {output.tensors:q} &> {log:q}"


# Started again after a kill, it goes on from the state that it saved beside its checkpoint.
rule pretrain:
    input:
        data=lambda wildcards: contents(training_sets(wildcards)),
        synthetic=corpus_of,
    output:
        checkpoint="<results>/checkpoints/{variant}/{heldout}/seed{seed}.safetensors",
        record="<results>/checkpoints/{variant}/{heldout}/seed{seed}.json",
        curves="<results>/pretraining/{variant}/{heldout}/seed{seed}.parquet",
    log:
        "<logs>/pretrain/<run>/{variant}/{heldout}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/pretrain/{variant}/{heldout}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: lambda wildcards: config["pretraining"]["threads"] * gpus_of(wildcards)
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
        gpu=gpus_of,
    params:
        launcher=launcher,
        threads=config["pretraining"]["threads"],
        data=lambda wildcards: folders(training_sets(wildcards)),
        synthetic=lambda wildcards, input: f"--synthetic {input.synthetic}" if input.synthetic else "",
        families=families_of,
        settings=training_settings,
        seed=config["seed"],
        tensorboard=f"results/{config['run']}/tensorboard",
        code=code_digest("pretrain"),
        origin=lambda wildcards: origins(training_sets(wildcards)),
    shell:
        "python {params.launcher} etalon.stages.pretrain --data {params.data:q} {params.synthetic}"
        " --variant {wildcards.variant} --heldout {wildcards.heldout} --heldout-families {params.families:q}"
        " --encoder-seed {wildcards.seed} --seed {params.seed} --threads {params.threads}"
        " --settings {params.settings:q}"
        " --tensorboard {params.tensorboard}/{wildcards.variant}/{wildcards.heldout}/seed{wildcards.seed}"
        " --out {output.checkpoint:q} --curves {output.curves:q} &> {log:q}"


# What the package carries: trained on sets whose licence permits it, scored by the models of the folds.
rule shipped_weights:
    input:
        checkpoint=f"<results>/checkpoints/{SHIPPED}/{UNLICENSED}/seed0.safetensors",
        record=f"<results>/checkpoints/{SHIPPED}/{UNLICENSED}/seed0.json",
        metrics=lambda wildcards: shipped("embedding_encoders", config["reference_run"]),
    output:
        weights=f"<results>/weights/{SHIPPED}.safetensors",
        record=f"<results>/weights/{SHIPPED}.json",
        card="<results>/weights/MODEL_CARD.md",
    log:
        "<logs>/shipped_weights/<run>.log",
    benchmark:
        "<results>/benchmarks/shipped_weights.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=10,
    params:
        out=lambda wildcards, output: Path(output.weights).parent,
        code=code_digest("shipped_weights"),
    shell:
        "python -m etalon.stages.shipped_weights --checkpoint {input.checkpoint:q} --metrics {input.metrics:q}"
        " --out {params.out:q} &> {log:q}"


# The curves of the encoders, and those of the networks of calibration transfer.
rule gather_curves:
    input:
        curves=curves_of,
    output:
        table="<results>/metrics/{curves}.parquet",
    log:
        "<logs>/gather_curves/<run>/{curves}.log",
    benchmark:
        "<results>/benchmarks/gather_curves/{curves}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        run=config["run"],
        code=code_digest("gather_curves"),
    shell:
        "python -m etalon.stages.gather_curves --run {params.run} --curves {input.curves:q}"
        " --out {output.table:q} &> {log:q}"


# How well a classifier tells the generated spectra from each real dataset.
rule synthetic_realism:
    input:
        data=[f"{folder_of(dataset)}/metadata.json" for dataset in DATASETS if not CATALOGUE[dataset].synthetic],
        corpus=corpus_shards("realism"),
    output:
        table="<results>/metrics/synthetic_realism.parquet",
    log:
        "<logs>/synthetic_realism/<run>.log",
    benchmark:
        "<results>/benchmarks/synthetic_realism.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        data=folders(dataset for dataset in DATASETS if not CATALOGUE[dataset].synthetic),
        settings=settings("synthetic_realism", leave_out=["corpus"]),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("synthetic_realism"),
        origin=origins(dataset for dataset in DATASETS if not CATALOGUE[dataset].synthetic),
    shell:
        "python -m etalon.stages.synthetic_realism --run {params.run} --settings {params.settings:q}"
        " --seed {params.seed} --data {params.data:q} --corpus {input.corpus:q} --out {output.table:q} &> {log:q}"
