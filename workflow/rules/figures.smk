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


rule phase_0:
    input:
        rules.tab_phase0_baselines.output,
        rules.fig_phase0_robustness.output,


rule figures:
    input:
        rules.phase_0.input,
