# Open questions of study 3: other losses against the bias of bands, which latents survive, what a shift consists of, and
# properties that NIR sets were never analysed for. They need trained NIR encoders.


rule soil_band_bias:
    input:
        data=soil_contents(),
        folds=soil_folds(),
        vae=soil_main("vae"),
        bridge=soil_main("bridge"),
    output:
        soils="<results>/soil/band_bias/{split}/seed{seed}.parquet",
        spectra="<results>/soil/band_bias/{split}/seed{seed}.spectra.parquet",
        record="<results>/soil/band_bias/{split}/seed{seed}.json",
    log:
        "<logs>/soil_band_bias/<run>/{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_band_bias/{split}-seed{seed}.tsv"
    wildcard_constraints:
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        data=folders(SOIL_DATA),
        settings=soil_settings(
            "band_bias",
            vae=soil_variants("vae", 0)[SOIL_VAES[0]],
            bridge=soil_variants("bridge", 0)[SOIL_BRIDGES[0]],
        ),
        seed=config["seed"],
        code=code_digest("soil_band_bias"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_band_bias --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --encoder-seed {wildcards.seed} --vae {input.vae:q} --bridge {input.bridge:q} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {output.soils:q} --out-spectra {output.spectra:q}"
        " --record {output.record:q} &> {log:q}"


rule soil_mapped:
    input:
        data=soil_contents(),
        folds=soil_folds(),
        vae=soil_main("vae"),
        bridge=soil_main("bridge"),
    output:
        predictions="<results>/soil/mapped/{split}/seed{seed}.parquet",
        survival="<results>/soil/mapped/{split}/seed{seed}.survival.parquet",
        record="<results>/soil/mapped/{split}/seed{seed}.json",
    log:
        "<logs>/soil_mapped/<run>/{split}-seed{seed}.log",
    benchmark:
        "<results>/benchmarks/soil_mapped/{split}-seed{seed}.tsv"
    wildcard_constraints:
        split=one_of(SOIL_SPLITS),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        data=folders(SOIL_DATA),
        settings=soil_settings(),
        seed=config["seed"],
        code=code_digest("soil_mapped"),
        origin=origins(SOIL_DATA),
    shell:
        "python -m etalon.stages.soil_mapped --data {params.data:q} --folds {input.folds:q} --split {wildcards.split}"
        " --encoder-seed {wildcards.seed} --vae {input.vae:q} --bridge {input.bridge:q} --settings {params.settings:q}"
        " --seed {params.seed} --threads {threads} --out {output.predictions:q} --out-survival {output.survival:q}"
        " --record {output.record:q} &> {log:q}"


rule soil_answers:
    input:
        data=soil_contents(),
        classical=expand("<results>/soil/predictions/classical/{split}.parquet", split=SOIL_SPLITS),
        learned=soil_answers("predictions/learned", "parquet", SOIL_SPLITS, config["soil"]["seeds"]),
        mapped=soil_answers("mapped", "parquet", SOIL_SPLITS, config["soil"]["seeds"]),
        survival=soil_answers("mapped", "survival.parquet", SOIL_SPLITS, config["soil"]["seeds"]),
        band_bias=soil_answers("band_bias", "parquet", BAND_SPLITS, BAND_SEEDS),
        band_spectra=soil_answers("band_bias", "spectra.parquet", BAND_SPLITS, BAND_SEEDS),
    output:
        band_bias="<results>/metrics/soil_band_bias.parquet",
        sensitivity="<results>/metrics/soil_sensitivity.parquet",
        shift="<results>/metrics/soil_shift.parquet",
        extended="<results>/metrics/soil_extended.parquet",
    log:
        "<logs>/soil_answers/<run>.log",
    benchmark:
        "<results>/benchmarks/soil_answers.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        data=folders(SOIL_DATA),
        settings=json.dumps({"bootstrap": config["soil"]["bootstrap"]}),
        seed=config["seed"],
        run=config["run"],
        code=code_digest("soil_answers"),
    shell:
        "python -m etalon.stages.soil_answers --run {params.run} --data {params.data:q}"
        " --predictions {input.classical:q} {input.learned:q} --mapped {input.mapped:q} --survival {input.survival:q}"
        " --band-bias {input.band_bias:q} --band-spectra {input.band_spectra:q} --settings {params.settings:q}"
        " --seed {params.seed} --out-band-bias {output.band_bias:q} --out-sensitivity {output.sensitivity:q}"
        " --out-shift {output.shift:q} --out-extended {output.extended:q} &> {log:q}"
