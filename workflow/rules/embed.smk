# Embeddings of the datasets of a fold by the encoders that never saw their families, and what heads make of them.


rule embed_datasets:
    input:
        data=lambda wildcards: contents(judged(wildcards)),
        checkpoint=checkpoint_of,
    output:
        index="<results>/embeddings/{variant}/{heldout}/seed{seed}/index.json",
    log:
        "<logs>/embed_datasets/<run>/{variant}/{heldout}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/embed_datasets/{variant}/{heldout}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        data=lambda wildcards: folders(judged(wildcards)),
        encoder=lambda wildcards: VARIANTS[wildcards.variant]["encoder"],
        checkpoint=lambda wildcards, input: input.checkpoint or "none",
        code=code_digest("embed_datasets"),
        origin=lambda wildcards: origins(judged(wildcards)),
    shell:
        "python -m etalon.stages.embed_datasets --encoder {params.encoder} --checkpoint {params.checkpoint:q}"
        " --data {params.data:q} --threads {threads} --out {output.index:q} &> {log:q}"


rule embedding_heads:
    input:
        data=lambda wildcards: contents(judged(wildcards)),
        folds=lambda wildcards: expand("<data>/splits/{dataset}.parquet", dataset=judged(wildcards)),
        index="<results>/embeddings/{variant}/{heldout}/seed{seed}/index.json",
        fs=fs_index,
    output:
        predictions="<results>/predictions/encoders/{variant}/{heldout}/seed{seed}.parquet",
        record="<results>/predictions/encoders/{variant}/{heldout}/seed{seed}.json",
    log:
        "<logs>/embedding_heads/<run>/{variant}/{heldout}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/embedding_heads/{variant}/{heldout}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        data=lambda wildcards: folders(judged(wildcards)),
        fs=lambda wildcards, input: f"--fs-index {input.fs}" if input.fs else "",
        settings=settings("embedding", leave_out=["robustness", "map"]),
        seed=config["seed"],
        code=code_digest("embedding_heads"),
        origin=lambda wildcards: origins(judged(wildcards)),
    shell:
        "python -m etalon.stages.embedding_heads --index {input.index:q} {params.fs} --data {params.data:q}"
        " --folds {input.folds:q} --settings {params.settings:q} --seed {params.seed} --variant {wildcards.variant}"
        " --heldout {wildcards.heldout} --encoder-seed {wildcards.seed} --threads {threads}"
        " --out {output.predictions:q} --record {output.record:q} &> {log:q}"


rule embedding_robustness:
    input:
        data=lambda wildcards: contents(judged(wildcards)),
        folds=lambda wildcards: expand("<data>/splits/{dataset}.parquet", dataset=judged(wildcards)),
        checkpoint=checkpoint_of,
    output:
        predictions="<results>/predictions/encoder_robustness/{variant}/{heldout}/seed{seed}.parquet",
        record="<results>/predictions/encoder_robustness/{variant}/{heldout}/seed{seed}.json",
    log:
        "<logs>/embedding_robustness/<run>/{variant}/{heldout}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/embedding_robustness/{variant}/{heldout}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        data=lambda wildcards: folders(judged(wildcards)),
        encoder=lambda wildcards: VARIANTS[wildcards.variant]["encoder"],
        checkpoint=lambda wildcards, input: input.checkpoint or "none",
        settings=json.dumps(
            {
                "amplitudes": config["robustness"]["amplitudes"],
                "asls": config["asls"],
                "heads": [
                    head for head in config["embedding"]["heads"] if head in ("ridge", "evidence", "fs_evidence")
                ],
                "max_spectra": config["embedding"]["robustness"]["max_spectra"],
                "max_rows": config["embedding"]["max_rows"],
            }
        ),
        seed=config["seed"],
        code=code_digest("embedding_robustness"),
        origin=lambda wildcards: origins(judged(wildcards)),
    shell:
        "python -m etalon.stages.embedding_robustness --encoder {params.encoder} --checkpoint {params.checkpoint:q}"
        " --data {params.data:q} --folds {input.folds:q} --settings {params.settings:q} --seed {params.seed}"
        " --variant {wildcards.variant} --heldout {wildcards.heldout} --encoder-seed {wildcards.seed}"
        " --threads {threads} --out {output.predictions:q} --record {output.record:q} &> {log:q}"


rule score_embeddings:
    input:
        data=lambda wildcards: contents(judged(wildcards)),
        predictions="<results>/predictions/{experiment}/{variant}/{heldout}/seed{seed}.parquet",
        record="<results>/predictions/{experiment}/{variant}/{heldout}/seed{seed}.json",
    output:
        scores="<results>/scores/{experiment}/{variant}/{heldout}/seed{seed}.json",
    log:
        "<logs>/score_embeddings/<run>/{experiment}/{variant}/{heldout}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/score_embeddings/{experiment}/{variant}/{heldout}/seed{seed}.tsv"
    wildcard_constraints:
        experiment=one_of(ENCODER_EXPERIMENTS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        data=lambda wildcards: folders(judged(wildcards)),
        run=config["run"],
        code=code_digest("score_embeddings"),
        origin=lambda wildcards: origins(judged(wildcards)),
    shell:
        "python -m etalon.stages.score_embeddings --run {params.run} --data {params.data:q}"
        " --predictions {input.predictions:q} --record {input.record:q} --out {output.scores:q} &> {log:q}"


rule map_embeddings:
    input:
        data=lambda wildcards: [f"{folder_of(dataset)}/metadata.json" for dataset in mapped()],
        index=expand("<results>/embeddings/{{variant}}/{heldout}/seed0/index.json", heldout=FOLDS),
    output:
        table="<results>/maps/{variant}.parquet",
    log:
        "<logs>/map_embeddings/<run>/{variant}.log",
    benchmark:
        "<results>/benchmarks/map_embeddings/{variant}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        data=lambda wildcards: folders(mapped()),
        settings=json.dumps(config["embedding"]["map"]),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("map_embeddings"),
        origin=lambda wildcards: origins(mapped()),
    shell:
        "python -m etalon.stages.map_embeddings --run {params.run} --variant {wildcards.variant} --encoder-seed 0"
        " --seed {params.seed} --settings {params.settings:q} --index {input.index:q} --data {params.data:q}"
        " --out {output.table:q} &> {log:q}"


rule gather_maps:
    input:
        maps=expand("<results>/maps/{variant}.parquet", variant=config["encoders"]["variants"]),
    output:
        table="<results>/metrics/embedding_map.parquet",
    log:
        "<logs>/gather_maps/<run>.log",
    benchmark:
        "<results>/benchmarks/gather_maps.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_digest("gather_maps"),
    shell:
        "python -m etalon.stages.gather_maps --maps {input.maps:q} --out {output.table:q} &> {log:q}"
