"""The command `etalon`: errors that a user can act on are one line and an exit status."""

import sys
from importlib.metadata import version as installed
from typing import Annotated, NoReturn

import typer

from etalon.commands import calibrate, datasets, doctor, embed, importing, predict, transfer
from etalon.errors import EtalonError, unwind_when_terminated

BAD_INPUT = 2

# Plain help: examples keep their lines, and pipes and logs get no boxes.
app = typer.Typer(
    name="etalon",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.command("import", short_help="Import your own spectra: a table, or files of an instrument.")(importing.import_)
app.command("calibrate", short_help="Calibrate a target: a model and a report.")(calibrate.calibrate)
app.command("predict", short_help="Predict new spectra with a model.")(predict.predict)
app.command("transfer", short_help="Use a calibration on another instrument.")(transfer.transfer)
app.command("embed", short_help="Turn spectra into rows of equal length.")(embed.embed)
app.command("doctor", short_help="Say what works on this machine.")(doctor.doctor)
app.add_typer(datasets.app, name="datasets")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"etalon {installed('etalon')}")
        raise typer.Exit


@app.callback()
def etalon(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """One representation of a spectrum for every spectrometer.

    \b
    etalon import mine.csv --id mine --axis-unit nm --target "protein:%"
    etalon calibrate mine --analyte protein
    etalon predict models/mine_protein new.csv

    Exit status: 0, all well; 1, a check failed; 2, the input or the command line cannot be used.
    """


def main(argv: list[str] | None = None) -> None:
    """Run `etalon` with `argv`, or with the process's own arguments.

    Exit status: 0, all well; 1, a check failed; 2, the input or the command line cannot be used.
    """
    unwind_when_terminated()
    try:
        app(args=argv, prog_name="etalon")
    except EtalonError as error:
        _fail(str(error))
    except OSError as error:  # a full disk, a folder without permission
        _fail(f"{error.filename or 'file system'}: {error.strerror or error}")


def _fail(message: str) -> NoReturn:
    print("error:", " ".join(message.split()), file=sys.stderr)
    sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
