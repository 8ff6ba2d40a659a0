# Figures and tables, under the names that the paper uses. They read a metrics table and nothing else.


rule tab_phase0_baselines:
    input:
        metrics=metrics("embedding_baselines"),
    output:
        csv=report(
            "results/<drawn>/tables/tab_phase0_baselines.csv",
            caption="../report/tab_phase0_baselines.rst",
            category="Phase 0: classical baselines",
            labels={"result": "Table: accuracy of every method"},
        ),
        tex="results/<drawn>/tables/tab_phase0_baselines.tex",
    log:
        "<logs>/tab_phase0_baselines/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/tab_phase0_baselines.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("tab_phase0_baselines"),
    shell:
        "python -m etalon.figures.tab_phase0_baselines --metrics {input.metrics:q}"
        " --out-csv {output.csv:q} --out-tex {output.tex:q} &> {log:q}"


rule fig_phase0_robustness:
    input:
        metrics=metrics("embedding_robustness"),
    output:
        pdf="results/<drawn>/figures/fig_phase0_robustness.pdf",
        png=report(
            "results/<drawn>/figures/fig_phase0_robustness.png",
            caption="../report/fig_phase0_robustness.rst",
            category="Phase 0: classical baselines",
            labels={"result": "Figure: robustness to perturbed spectra"},
        ),
    log:
        "<logs>/fig_phase0_robustness/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/fig_phase0_robustness.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("fig_phase0_robustness"),
    shell:
        "python -m etalon.figures.fig_phase0_robustness --metrics {input.metrics:q}"
        " --out-pdf {output.pdf:q} --out-png {output.png:q} &> {log:q}"


rule tab_phase1_feasibility:
    input:
        metrics=metrics("embedding_encoders"),
    output:
        csv=report(
            "results/<drawn>/tables/tab_phase1_feasibility.csv",
            caption="../report/tab_phase1_feasibility.rst",
            category="Phase 1: is the encoder usable?",
            labels={"result": "Table: embeddings against classical pipelines"},
        ),
        tex="results/<drawn>/tables/tab_phase1_feasibility.tex",
    log:
        "<logs>/tab_phase1_feasibility/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/tab_phase1_feasibility.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("tab_phase1_feasibility"),
    shell:
        "python -m etalon.figures.tab_phase1_feasibility --metrics {input.metrics:q}"
        " --out-csv {output.csv:q} --out-tex {output.tex:q} &> {log:q}"


rule tab_encoder_readouts:
    input:
        metrics=metrics("embedding_encoders"),
    output:
        csv=report(
            "results/<drawn>/tables/tab_encoder_readouts.csv",
            caption="../report/tab_encoder_readouts.rst",
            category="Phase 1: is the encoder usable?",
            labels={"result": "Table: read-outs of the perceiver"},
        ),
        tex="results/<drawn>/tables/tab_encoder_readouts.tex",
    log:
        "<logs>/tab_encoder_readouts/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/tab_encoder_readouts.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("tab_encoder_readouts"),
    shell:
        "python -m etalon.figures.tab_encoder_readouts --metrics {input.metrics:q}"
        " --out-csv {output.csv:q} --out-tex {output.tex:q} &> {log:q}"


rule tab_phase2_ablation:
    input:
        metrics=metrics("embedding_encoders"),
    output:
        csv=report(
            "results/<drawn>/tables/tab_phase2_ablation.csv",
            caption="../report/tab_phase2_ablation.rst",
            category="Phase 2: which ingredient does what?",
            labels={"result": "Table: ablation"},
        ),
        tex="results/<drawn>/tables/tab_phase2_ablation.tex",
    log:
        "<logs>/tab_phase2_ablation/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/tab_phase2_ablation.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("tab_phase2_ablation"),
    shell:
        "python -m etalon.figures.tab_phase2_ablation --metrics {input.metrics:q}"
        " --out-csv {output.csv:q} --out-tex {output.tex:q} &> {log:q}"


rule tab_synthetic_realism:
    input:
        metrics=metrics("synthetic_realism"),
    output:
        csv=report(
            "results/<drawn>/tables/tab_synthetic_realism.csv",
            caption="../report/tab_synthetic_realism.rst",
            category="Synthetic spectra",
            labels={"result": "Table: synthetic against real spectra"},
        ),
        tex="results/<drawn>/tables/tab_synthetic_realism.tex",
    log:
        "<logs>/tab_synthetic_realism/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/tab_synthetic_realism.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("tab_synthetic_realism"),
    shell:
        "python -m etalon.figures.tab_synthetic_realism --metrics {input.metrics:q}"
        " --out-csv {output.csv:q} --out-tex {output.tex:q} &> {log:q}"


rule fig_phase2_robustness:
    input:
        metrics=metrics("embedding_encoder_robustness"),
    output:
        pdf="results/<drawn>/figures/fig_phase2_robustness.pdf",
        png=report(
            "results/<drawn>/figures/fig_phase2_robustness.png",
            caption="../report/fig_phase2_robustness.rst",
            category="Phase 2: which ingredient does what?",
            labels={"result": "Figure: robustness to perturbed spectra"},
        ),
    log:
        "<logs>/fig_phase2_robustness/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/fig_phase2_robustness.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("fig_phase2_robustness"),
    shell:
        "python -m etalon.figures.fig_phase2_robustness --metrics {input.metrics:q}"
        " --out-pdf {output.pdf:q} --out-png {output.png:q} &> {log:q}"


rule fig_pretraining_curves:
    input:
        metrics=metrics("pretraining"),
    output:
        pdf="results/<drawn>/figures/fig_pretraining_curves.pdf",
        png=report(
            "results/<drawn>/figures/fig_pretraining_curves.png",
            caption="../report/fig_pretraining_curves.rst",
            category="Pretraining",
            labels={"result": "Figure: curves of training"},
        ),
    log:
        "<logs>/fig_pretraining_curves/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/fig_pretraining_curves.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("fig_pretraining_curves"),
    shell:
        "python -m etalon.figures.fig_pretraining_curves --metrics {input.metrics:q}"
        " --out-pdf {output.pdf:q} --out-png {output.png:q} &> {log:q}"


rule fig_embedding_map:
    input:
        metrics=metrics("embedding_map"),
    output:
        pdf="results/<drawn>/figures/fig_embedding_map.pdf",
        png=report(
            "results/<drawn>/figures/fig_embedding_map.png",
            caption="../report/fig_embedding_map.rst",
            category="Pretraining",
            labels={"result": "Figure: map of embeddings"},
        ),
    log:
        "<logs>/fig_embedding_map/<drawn>.log",
    benchmark:
        "results/<drawn>/benchmarks/fig_embedding_map.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=figure_digest("fig_embedding_map"),
    shell:
        "python -m etalon.figures.fig_embedding_map --metrics {input.metrics:q}"
        " --out-pdf {output.pdf:q} --out-png {output.png:q} &> {log:q}"


rule phase_0:
    input:
        rules.tab_phase0_baselines.output,
        rules.fig_phase0_robustness.output,


rule phase_1:
    input:
        rules.tab_phase1_feasibility.output,
        rules.tab_encoder_readouts.output,
        rules.fig_pretraining_curves.output,
        rules.fig_embedding_map.output,


rule phase_2:
    input:
        rules.tab_phase2_ablation.output,
        rules.fig_phase2_robustness.output,


rule figures:
    input:
        rules.phase_0.input,
        rules.phase_1.input,
        rules.phase_2.input,
        rules.tab_synthetic_realism.output,
