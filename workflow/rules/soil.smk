# Study 3, soil: from mid-infrared to cheap NIR. docs/explanation/soil.md says what lies where and what is compared.


rule soil_vae:
    input:
        data=soil_contents(),
        folds=soil_folds(),
    output:
        weights="<results>/soil/vae/{variant}/{split}/seed{seed}.safetensors",
        record="<results>/soil/vae/{variant}/{split}/seed{seed}.json",
        curves="<results>/soil/vae/{variant}/{split}/seed{seed}.curves.parquet",
    log:
        "<logs>/soil_vae/<run>/{variant}-{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_vae/{variant}-{split}-seed{seed}.tsv"
    wildcard_constraints:
        variant=one_of(SOIL_VAES),
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        data=folders(SOIL_DATA),
        settings=soil_variant("vae"),
        seed=config["seed"],
        code=code_digest("soil_vae"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_vae --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --variant {wildcards.variant} --encoder-seed {wildcards.seed} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {output.weights:q} --curves {output.curves:q} &> {log:q}"


rule soil_bridge:
    input:
        data=soil_contents(),
        folds=soil_folds(),
        vae=f"<results>/soil/vae/{SOIL_VAES[0]}/{{split}}/seed{{seed}}.safetensors",
    output:
        weights="<results>/soil/bridge/{variant}/{split}/seed{seed}.safetensors",
        record="<results>/soil/bridge/{variant}/{split}/seed{seed}.json",
        curves="<results>/soil/bridge/{variant}/{split}/seed{seed}.curves.parquet",
    log:
        "<logs>/soil_bridge/<run>/{variant}-{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_bridge/{variant}-{split}-seed{seed}.tsv"
    wildcard_constraints:
        variant=one_of(SOIL_BRIDGES),
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        data=folders(SOIL_DATA),
        settings=soil_variant("bridge"),
        seed=config["seed"],
        code=code_digest("soil_bridge"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_bridge --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --variant {wildcards.variant} --encoder-seed {wildcards.seed} --vae {input.vae:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.weights:q}"
        " --curves {output.curves:q} &> {log:q}"


rule soil_classical:
    input:
        data=soil_contents(),
        folds=soil_folds(),
    output:
        predictions="<results>/soil/predictions/classical/{split}.parquet",
        record="<results>/soil/predictions/classical/{split}.json",
    log:
        "<logs>/soil_classical/<run>/{split}.log",
    benchmark:
        "<results>/benchmarks/soil_classical/{split}.tsv"
    wildcard_constraints:
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        data=folders(SOIL_DATA),
        settings=soil_settings("heads", asls=config["asls"]),
        seed=config["seed"],
        code=code_digest("soil_classical"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_classical --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.predictions:q}"
        " --record {output.record:q} &> {log:q}"


rule soil_learned:
    input:
        data=soil_contents(),
        folds=soil_folds(),
        vaes=soil_checkpoints("vae"),
        bridges=soil_checkpoints("bridge"),
    output:
        predictions="<results>/soil/predictions/learned/{split}/seed{seed}.parquet",
        record="<results>/soil/predictions/learned/{split}/seed{seed}.json",
        latents="<results>/soil/latents/{split}/seed{seed}.parquet",
        spectra="<results>/soil/spectra/{split}/seed{seed}.parquet",
        examples="<results>/soil/examples/{split}/seed{seed}.parquet",
    log:
        "<logs>/soil_learned/<run>/{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_learned/{split}-seed{seed}.tsv"
    wildcard_constraints:
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        data=folders(SOIL_DATA),
        settings=lambda wildcards: soil_settings(
            "heads", untrained=soil_variants("vae", int(wildcards.seed), trained=False)
        ),
        seed=config["seed"],
        code=code_digest("soil_learned"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_learned --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --encoder-seed {wildcards.seed} --vaes {input.vaes:q} --bridges {input.bridges:q}"
        " --settings {params.settings:q} --seed {params.seed} --threads {threads} --out {output.predictions:q}"
        " --record {output.record:q} --latents {output.latents:q} --spectra {output.spectra:q}"
        " --examples {output.examples:q} &> {log:q}"


rule soil_scores:
    input:
        data=soil_contents(),
        classical=expand("<results>/soil/predictions/classical/{split}.parquet", split=SOIL_SPLITS),
        learned=soil_written("predictions/learned"),
        latents=soil_written("latents"),
        spectra=soil_written("spectra"),
        examples=soil_written("examples"),
    output:
        scores="<results>/scores/soil/properties.parquet",
        record="<results>/scores/soil/properties.json",
        spectra="<results>/metrics/soil_spectra.parquet",
        distances="<results>/metrics/soil_distances.parquet",
    log:
        "<logs>/soil_scores/<run>.log",
    benchmark:
        "<results>/benchmarks/soil_scores.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        data=folders(SOIL_DATA),
        settings=json.dumps({"bootstrap": config["soil"]["bootstrap"]}),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("soil_scores"),
    shell:
        "python -m etalon.stages.soil_scores --run {params.run} --data {params.data:q}"
        " --predictions {input.classical:q} {input.learned:q} --latents {input.latents:q} --spectra {input.spectra:q}"
        " --examples {input.examples:q} --settings {params.settings:q} --seed {params.seed} --out {output.scores:q}"
        " --record {output.record:q} --out-spectra {output.spectra:q} --out-distances {output.distances:q} &> {log:q}"


rule soil:
    input:
        soil_drawn,
