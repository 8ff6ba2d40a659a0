"""Fetch libraries of config/libraries.yaml and write a catalogue that knows their files by checksum.

Usage: python workflow/scripts/pin_libraries.py [--raw data/raw] [--mirror FOLDER] [--out config/pinned.yaml] ID ...
"""

import argparse
import sys
from pathlib import Path

from requests import RequestException

from etalon.data.fetch import mirror_folder
from etalon.data.pinning import load_templates, pin, write_catalogue
from etalon.errors import EtalonError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="+", metavar="ID", help="entries of the file of templates")
    parser.add_argument("--templates", type=Path, default=Path("config/libraries.yaml"), help="file of templates")
    parser.add_argument("--base", type=Path, default=Path("config/datasets.yaml"), help="catalogue to add them to")
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="where downloaded files are kept")
    parser.add_argument("--mirror", help="folder of raw files to use in place; default: $ETALON_MIRROR")
    parser.add_argument("--out", type=Path, default=Path("config/pinned.yaml"), help="catalogue to write")
    args = parser.parse_args()
    templates = load_templates(args.templates)
    if unknown := sorted(set(args.ids) - set(templates)):
        sys.exit(f"error: {unknown[0]}: expected one of {', '.join(templates)}")
    try:
        entries = [pin(templates[name], args.raw, mirror_folder(args.mirror)) for name in args.ids]
        write_catalogue(args.out, args.base, entries)
    except (EtalonError, RequestException) as error:
        sys.exit(f"error: {error}")
    for entry in entries:
        print(f"{entry['id']}: {entry['expect']['n_samples']} spectra of {entry['expect']['n_channels']} channels")
    print(f"written: {args.out}; use it with --config catalogue={args.out}")


if __name__ == "__main__":
    main()
