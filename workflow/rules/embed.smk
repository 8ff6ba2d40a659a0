# Embeddings of the datasets of a fold by the encoders that never saw their families, and what heads make of them.


rule embed_datasets:
    input:
        data=lambda wildcards: contents(judged(wildcards.heldout)),
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
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        data=lambda wildcards: folders(judged(wildcards.heldout)),
        encoder=lambda wildcards: VARIANTS[wildcards.variant]["encoder"],
        checkpoint=lambda wildcards, input: input.checkpoint or "none",
        code=code_digest("embed_datasets"),
        origin=lambda wildcards: origins(judged(wildcards.heldout)),
    shell:
        "python -m etalon.stages.embed_datasets --encoder {params.encoder} --checkpoint {params.checkpoint:q}"
        " --data {params.data:q} --threads {threads} --out {output.index:q} &> {log:q}"


# Embeddings of a generated corpus, a file a shard. Nothing is judged on them: any encoder may have seen these spectra.
rule embed_corpus:
    input:
        shard="<results>/corpus/{corpus}/shard{shard}.safetensors",
        checkpoint=checkpoint_of,
    output:
        embeddings="<results>/corpus_embeddings/{corpus}/{variant}/{heldout}/seed{seed}/shard{shard}.npy",
        record="<results>/corpus_embeddings/{corpus}/{variant}/{heldout}/seed{seed}/shard{shard}.json",
    log:
        "<logs>/embed_corpus/<run>/{corpus}/{variant}/{heldout}/seed{seed}/shard{shard}.log",
    benchmark:
        "<results>/benchmarks/embed_corpus/{corpus}/{variant}/{heldout}/seed{seed}/shard{shard}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        encoder=lambda wildcards: VARIANTS[wildcards.variant]["encoder"],
        checkpoint=lambda wildcards, input: input.checkpoint or "none",
        code=code_digest("embed_corpus"),
    shell:
        "python -m etalon.stages.embed_corpus --encoder {params.encoder} --checkpoint {params.checkpoint:q}"
        " --shard {input.shard:q} --threads {threads} --out {output.embeddings:q} --record {output.record:q} &> {log:q}"


# The prior of the kernel head, from the embeddings by fs and the references of the other families.
rule pretrain_head:
    input:
        data=lambda wildcards: contents(head_sets(wildcards)),
        indices=head_indices,
    output:
        prior="<results>/heads/{heldout}.json",
    log:
        "<logs>/pretrain_head/<run>/{heldout}.log",
    benchmark:
        "<results>/benchmarks/pretrain_head/{heldout}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        data=lambda wildcards: folders(head_sets(wildcards)),
        families=families_of,
        settings=settings("pretrained_head"),
        seed=config["seed"],
        code=code_digest("pretrain_head"),
        origin=lambda wildcards: origins(head_sets(wildcards)),
    shell:
        "python -m etalon.stages.pretrain_head --data {params.data:q} --indices {input.indices:q}"
        " --heldout {wildcards.heldout} --heldout-families {params.families:q} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {output.prior:q} &> {log:q}"


# Experiments on the encoders of a fold, each a stage of the same name. Their settings and datasets: common.smk.
for stage, (folder, reads) in ON_ENCODERS.items():

    rule:
        name:
            stage
        input:
            data=datasets_read(folder),
            folds=folds_read(folder),
            encoder=encoder_read(reads),
            fs=fs_index if reads == "index" else [],
            prior=prior_of(folder) if reads == "index" else [],
        output:
            predictions=f"<results>/predictions/{folder}/{{variant}}/{{heldout}}/seed{{seed}}.parquet",
            record=f"<results>/predictions/{folder}/{{variant}}/{{heldout}}/seed{{seed}}.json",
        log:
            f"<logs>/{stage}/<run>/{folder}/{{variant}}/{{heldout}}/seed{{seed}}.log",
        benchmark:
            f"<results>/benchmarks/{folder}/{{variant}}/{{heldout}}/seed{{seed}}.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=growing(3000),
            runtime=growing(60),
        params:
            stage=stage,
            encoder=encoder_options(reads),
            options=more_options(folder),
            data=folders_judged(folder),
            settings=experiment_settings(folder),
            seed=config["seed"],
            code=code_digest(stage),
            origin=origin_read(folder),
        shell:
            "python -m etalon.stages.{params.stage} {params.encoder} {params.options} --data {params.data:q}"
            " --folds {input.folds:q} --settings {params.settings:q} --seed {params.seed}"
            " --variant {wildcards.variant} --heldout {wildcards.heldout} --encoder-seed {wildcards.seed}"
            " --threads {threads} --out {output.predictions:q} --record {output.record:q} &> {log:q}"


# Too many predictions to keep: scored as they are made.
rule few_shot:
    input:
        data=datasets_read("few_shot"),
        encoder=encoder_read("index"),
        fs=fs_index,
        prior=prior_of("few_shot"),
    output:
        scores="<results>/scores/few_shot/{variant}/{heldout}/seed{seed}.parquet",
        record="<results>/scores/few_shot/{variant}/{heldout}/seed{seed}.json",
    log:
        "<logs>/few_shot/<run>/{variant}/{heldout}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/few_shot/{variant}/{heldout}/seed{seed}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        encoder=encoder_options("index"),
        data=folders_judged("few_shot"),
        settings=experiment_settings("few_shot"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("few_shot"),
        origin=origin_read("few_shot"),
    shell:
        "python -m etalon.stages.few_shot --run {params.run} {params.encoder} --data {params.data:q}"
        " --settings {params.settings:q} --seed {params.seed} --variant {wildcards.variant}"
        " --heldout {wildcards.heldout} --encoder-seed {wildcards.seed} --threads {threads}"
        " --out {output.scores:q} --record {output.record:q} &> {log:q}"


# Times, so that its table is no part of what `verify` compares.
rule measure_cost:
    input:
        data=contents(COSTED),
        folds=expand("<data>/splits/{dataset}.parquet", dataset=COSTED),
        checkpoints=[path for _, _, path in costed_encoders() if path != "none"],
    output:
        table="<results>/metrics/cost.parquet",
        record="<results>/metrics/cost.json",
    log:
        "<logs>/measure_cost/<run>.log",
    benchmark:
        "<results>/benchmarks/measure_cost.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        data=folders(COSTED),
        encoders=" ".join(f"--encoder {' '.join(of)}" for of in costed_encoders()).replace(
            "<results>", f"results/{config['run']}"
        ),
        settings=experiment_settings("cost"),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("measure_cost"),
        origin=origins(COSTED),
    shell:
        "python -m etalon.stages.measure_cost --run {params.run} --data {params.data:q} --folds {input.folds:q}"
        " {params.encoders} --settings {params.settings:q} --seed {params.seed} --threads {threads}"
        " --out {output.table:q} --record {output.record:q} &> {log:q}"


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
        mem_mb=growing(1000),
        runtime=growing(10),
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
