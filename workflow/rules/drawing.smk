# Which metrics tables figures draw, and what they write.


def metrics(table):
    """The metrics table that a figure draws: the one of this run, or the one that is shipped."""
    if config["figures_from"] == "run":
        return f"<results>/metrics/{table}.parquet"
    return shipped(table, config["reference_run"])


def drawable(figures):
    """Those whose metrics can be had: in this run, or of the shipped ones. What is left out is said."""
    if config["figures_from"] == "run":
        where, absent = f"run {config['run']}", EMPTY.__contains__
    else:
        where, absent = f"results/reference/{config['reference_run']}", lambda table: not is_shipped(
            table, config["reference_run"]
        )
    lacking = {name: list(filter(absent, tables)) for name, (tables, *_) in figures.items()}
    if all(lacking.values()):
        stop(f"{where}: expected shipped metrics tables, found none of those that figures draw")
    for tables in sorted({", ".join(tables) for tables in lacking.values() if tables}):
        names = [name for name, missing in lacking.items() if ", ".join(missing) == tables]
        print(f"{where} has no table {tables}; not drawn: {', '.join(names)}", file=sys.stderr)
    return {name: figure for name, figure in figures.items() if not lacking[name]}


def all_metrics(wildcards):
    """The tables that hold all metrics of the run; nothing where figures are drawn from shipped ones."""
    return expand("<results>/metrics/{table}.parquet", table=TABLES) if config["figures_from"] == "run" else []


def shipped_path(table, run):
    return f"results/reference/{run}/metrics/{table}.parquet"


def is_shipped(table, run):
    return Path(shipped_path(table, run)).exists()


def shipped(table, run):
    """A shipped metrics table. No rule writes one, so that drawing it starts no computation."""
    if not is_shipped(table, run):
        stop(f"{shipped_path(table, run)}: expected a shipped metrics table, found no such file")
    return shipped_path(table, run)


def drawn(*names):
    """Files of figures (PDF, PNG) and tables (CSV, TeX)."""
    kinds = {"fig": ("figures", ("pdf", "png")), "tab": ("tables", ("csv", "tex"))}
    return [
        f"results/<drawn>/{folder}/{name}.{format}"
        for name in names
        for folder, formats in [kinds[name.split("_")[0]]]
        for format in formats
    ]


def in_report(name, category, label):
    """The two files of a figure or table by their formats; the one that a browser shows goes into the report."""
    files = {Path(path).suffix[1:]: path for path in drawn(name)}
    shown = "png" if "png" in files else "csv"
    caption = "../report/docstring.rst" if captioned_by_docstring(name) else f"../report/{name}.rst"
    return files | {shown: report(files[shown], caption=caption, category=category, labels={"result": label})}


def captioned_by_docstring(name):
    """Whether the report says of a figure what its module's docstring says, as no caption of its own is written."""
    return not (Path(workflow.basedir) / f"workflow/report/{name}.rst").exists()


def told_to_report(name):
    """The caption, as a param of the rule, where it is the docstring of the figure's module."""
    if not captioned_by_docstring(name):
        return {}
    source = Path(workflow.basedir) / f"src/etalon/figures/{name}.py"
    return {"caption": ast.get_docstring(ast.parse(source.read_text())) or stop(f"{source}: expected a docstring")}


def everything_shipped(wildcards):
    return [shipped(table, config["run"]) for table in TABLES]
