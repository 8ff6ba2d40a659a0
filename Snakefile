from snakemake.utils import min_version

min_version("9.20")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/learned.smk"
include: "workflow/rules/studied.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/drawing.smk"


pathvars:
    data=config["data_dir"],
    results=f"results/{config['run']}",
    run=config["run"],
    drawn=DRAWN,


wildcard_constraints:
    dataset=one_of(CATALOGUE),
    kind="real|synthetic",
    scored=one_of(
        [*PREDICTED, *(f"{experiment}/{variant}" for experiment in ENCODER_EXPERIMENTS for variant in VARIANTS)]
    ),
    heads="encoders|downstream",
    table=one_of(TABLES),
    curves="pretraining|transfer_pretraining",
    variant=one_of([*VARIANTS, *PRETRAININGS]),
    features=one_of([SPECTRA, *VARIANTS]),
    heldout=r"fold\d+|unlicensed",
    seed=r"\d+",
    corpus=one_of(CORPORA),
    shard=r"\d+",


include: "workflow/rules/data.smk"
include: "workflow/rules/preprocess.smk"
include: "workflow/rules/embedding.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/transfer.smk"
include: "workflow/rules/transfer_studies.smk"
include: "workflow/rules/soil_plan.smk"
include: "workflow/rules/soil.smk"
include: "workflow/rules/soil_answers.smk"


localrules:
    all,
    datasets,
    fetch_dataset,
    figures,
    gather_metrics,
    gather_curves,
    gather_maps,
    phase_0,
    phase_1,
    phase_2,
    phase_3,
    phase_4,
    phase_5,
    phase_6,
    retry_downloads,
    score_predictions,
    soil,
    soil_scores,
    transfer,
    verify,


rule all:
    default_target: True
    input:
        rules.figures.input,
        all_metrics,
