"""Which column of a table is what: channels, sample, specimen, split, label, targets."""

import difflib
import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from etalon.contracts import Target
from etalon.data.raw_table import HEADER_NUMBER, Cell, RawTable, TransposedTable
from etalon.data.table_numbers import decimal_notation, is_missing, is_number, looks_numeric
from etalon.errors import BadInputError

# Fewer channels than a filter photometer has are no spectrum but columns that happen to end in a number.
MIN_CHANNELS = 3
# Headers, in small letters and without signs, that say what a column is.
SAMPLE_HEADERS = frozenset(
    {"#", "no", "nr", "number", "id", "name", "code", "ssn", "file", "filename"}
    | {
        what + kind
        for what in ("sample", "spectrum", "scan")
        for kind in ("", "id", "name", "number", "no", "nr", "code")
    }
)
SPECIMEN_HEADERS = frozenset({"specimen", "specimenid", "specimenname"})
LABEL_HEADERS = frozenset({"label", "labels", "class", "classes"})
SPLIT_HEADERS = frozenset({"set", "split", "partition", "subset"})
TRAIN = frozenset({"train", "training", "cal", "calib", "calibration"})
TEST = frozenset({"test", "testing", "val", "valid", "validate", "validation", "prediction"})
WILD = "*"
UNIT_IN_HEADER = re.compile(r"(?P<name>.*\S)\s*[(\[](?P<unit>[^()\[\]]+)[)\]]")


@dataclass(frozen=True)
class Wishes:
    """Columns as a user names them; None or empty leaves the choice to the headers."""

    sample: str | None = None
    specimen: str | None = None
    split: str | None = None
    label: str | None = None
    targets: tuple[str, ...] = ()  # NAME:UNIT[:ANALYTE[:BASIS]]
    unit: str | None = None  # of targets that state none
    no_targets: bool = False
    scan_separator: str | None = None  # between the name of a specimen and that of its scan, in sample ids
    beyond_limit: str | None = None  # what stands for values such as "<0.5", as in `etalon.data.laboratory`
    file_in_id: bool = False  # of several tables: the name of the file before that of the sample
    average: bool = False  # repeated determinations: rows of one name in the references, columns of one target


@dataclass(frozen=True)
class Columns:
    """Numbers of the columns, counted from 0. Columns of one target hold repeated determinations."""

    channels: list[int]
    targets: dict[int, Target]
    sample: int | None
    specimen: int | None
    split: int | None
    label: int | None
    left_out: list[int]
    decimal_comma: bool
    header_comma: bool

    def by_target(self) -> dict[Target, list[int]]:
        """Return the columns of each target."""
        found: dict[Target, list[int]] = defaultdict(list)
        for column, target in self.targets.items():
            found[target].append(column)
        return dict(found)


def find_columns(table: RawTable, wishes: Wishes, decimal: str | None = None) -> Columns:
    """Give every column its role: what the user names first, then by headers.

    Parameters
    ----------
    table, wishes : the table and what the user said of it
    decimal : "comma", "point" or None, where the numbers themselves tell

    Raises
    ------
    BadInputError
        For a name that no column or more than one has, fewer than `MIN_CHANNELS` channels, a foreign column among
        the channels, a target without unit.
    """
    roles = {
        name: find_column(table, wish, f"--{name}-column") if (wish := getattr(wishes, name)) is not None else None
        for name in ("sample", "specimen", "split", "label")
    }
    wanted = _read_wishes(table, wishes)
    by_user = {column for column in roles.values() if column is not None} | {column for column, _ in wanted}
    channels = _find_channels(table, by_user)
    taken = by_user.union(channels)
    rest = [column for column in range(len(table.header)) if column not in taken]
    for name, headers in (("specimen", SPECIMEN_HEADERS), ("label", LABEL_HEADERS), ("sample", SAMPLE_HEADERS)):
        if roles[name] is None:
            roles[name] = next((column for column in rest if _says(table, column, headers)), None)
            rest = [column for column in rest if column != roles[name]]
    if roles["split"] is None:
        roles["split"] = next((column for column in rest if _is_split(table, column)), None)
        rest = [column for column in rest if column != roles["split"]]
    if roles["sample"] is None and rest and rest[0] == 0 and table.header[0] == "":
        roles["sample"] = rest.pop(0)  # row names, as R and pandas write them
    if roles["sample"] is None and rest and rest[0] == 0 and _holds_names(table, 0):
        roles["sample"] = rest.pop(0)
    decimal_comma, header_comma = _decimal_commas(table, channels, wanted, decimal)
    if not wanted and not wishes.no_targets:
        numeric = [column for column in rest if looks_numeric(table, column, decimal_comma)]
        table.check_columns(numeric)
        wanted = [(column, _target_of_header(table, column, numeric, wishes.unit)) for column in numeric]
    targets = dict(wanted)
    table.check_columns([column for column in (*roles.values(), *targets) if column is not None])
    _check_repeats(table, targets, wishes.average)
    left_out = [column for column in rest if column not in targets and not _is_blank(table, column)]
    return Columns(
        channels, targets, **roles, left_out=left_out, decimal_comma=decimal_comma, header_comma=header_comma
    )


def specimen_of(sample: str, separator: str) -> str:
    """Return the name of the specimen in that of a scan: what stands before the last separator."""
    return sample.rpartition(separator)[0] or sample


def find_sample_column(table: RawTable, name: str | None) -> int:
    """Return the column of names of a table without spectra: the one named, else by its header, else the first."""
    if name is not None:
        return find_column(table, name, "--sample-column")
    said = (column for column in range(len(table.header)) if _says(table, column, SAMPLE_HEADERS))
    return next(said, 0)


def _decimal_commas(
    table: RawTable, channels: list[int], targets: list[tuple[int, Target]], said: str | None
) -> tuple[bool, bool]:
    """Say whether the cells, and whether the channels' headers, are written with a decimal comma.

    They may differ: R's write.csv2() writes points in headers and commas below. Where one of them leaves open whether
    its commas are for decimals or thousands, the other tells.
    """
    header = decimal_notation(channel_text(table, column) for column in channels)
    written = [row[column] for row in table.rows for column in channels]
    for row, (column, _) in itertools.product(range(len(table.rows)), targets):
        written += [entry.cell for entry in table.entries(row, column) if entry.decimal_comma is None]
    cells = said or table.decimal or decimal_notation(written)
    if cells == "none":  # counts, say; columns that may turn out to be targets know more
        cells = decimal_notation(cell for row in table.rows for cell in row)
    if cells == "open" and header == "comma":
        cells = "comma"
    if header == "open" and cells in ("comma", "point"):
        header = "comma" if cells == "comma" else "point"
    if "open" in (cells, header):
        expected = "a comma for decimals or for thousands, as --decimal comma or --decimal point says"
        raise BadInputError(table.path, "numbers", expected, "commas that may be either, as in 1,234")
    return cells == "comma", header == "comma"


def channel_text(table: RawTable, column: int) -> Cell:
    """Return the number in a channel's header, as written there."""
    cell = table.header_cells[column]
    match = HEADER_NUMBER.fullmatch(str(cell))
    if isinstance(cell, str) and match:
        return ("-" if match["prefix"] == "-" else "") + match["number"]
    return cell


def find_column(table: RawTable, name: str, option: str) -> int:
    """Return the column with a header; raises BadInputError, which names `option`, where none or two have it."""
    columns = [column for column, header in enumerate(table.header) if header == name.strip() != ""]
    if len(columns) == 1:
        return columns[0]
    if columns:
        where = " and ".join(table.places(column) for column in columns[:2])
        raise BadInputError(table.path, option, "a header that occurs once", f"{name!r} in {where}")
    texts = [header for header in table.header if header and not HEADER_NUMBER.fullmatch(header)]
    near = difflib.get_close_matches(name, texts, n=1) or texts[:8]
    expected = f"the header of a column, such as {', '.join(map(repr, near))}" if near else "the header of a column"
    raise BadInputError(table.path, option, expected, repr(name))


def named_in(table: RawTable, wishes: Wishes) -> Wishes:
    """Return the wishes without names that no column of the table has, and without targets that nobody named."""
    targets = tuple(wish for wish in wishes.targets if _is_named(table, wish, wishes))
    return replace(
        wishes,
        sample=wishes.sample if wishes.sample in table.header else None,
        specimen=wishes.specimen if wishes.specimen in table.header else None,
        split=wishes.split if wishes.split in table.header else None,
        label=wishes.label if wishes.label in table.header else None,
        targets=targets,
        no_targets=not targets,
    )


def _is_named(table: RawTable, wish: str, wishes: Wishes) -> bool:
    try:
        _read_wish(table, wish, wishes)
    except BadInputError:
        return False
    return True


def _read_wishes(table: RawTable, wishes: Wishes) -> list[tuple[int, Target]]:
    wanted: dict[int, Target] = {}
    for wish in wishes.targets:
        columns, target = _read_wish(table, wish, wishes)
        if wanted.keys() & set(columns) or wishes.no_targets:
            found = "--no-targets as well" if wishes.no_targets else f"{target.name!r} twice"
            raise BadInputError(table.path, "--target", "each target once", found)
        wanted |= dict.fromkeys(columns, target)
    return list(wanted.items())


def _read_wish(table: RawTable, wish: str, wishes: Wishes) -> tuple[list[int], Target]:
    """Read NAME:UNIT[:ANALYTE[:BASIS]]; NAME may hold colons where it is a header."""
    headers = [header for header in table.header if header and (wish == header or wish.startswith(f"{header}:"))]
    name = max(headers, key=len, default=wish.partition(":")[0])
    columns = _target_columns(table, name, wishes.average)
    parts = [part.strip() for part in wish[len(name) + 1 :].split(":")]
    if len(parts) > 3:
        raise BadInputError(table.path, "--target", "NAME:UNIT[:ANALYTE[:BASIS]]", repr(wish))
    unit, analyte, basis = parts + [""] * (3 - len(parts))
    common = name if name in table.header else _common_name(name)
    if not common:
        raise BadInputError(table.path, "--target", f"a name beside {WILD}, such as 'protein {WILD}'", repr(name))
    if unit:
        name = common
        return columns, Target(name, analyte or name.casefold(), unit, basis or "unknown")
    found = [_target_of_header(table, column, unit=wishes.unit) for column in columns]
    target = found[0]
    if differs := next((column for column, one in zip(columns, found, strict=True) if one.unit != target.unit), None):
        expected = f"the unit {target.unit!r}, as in {table.column_name(columns[0])}"
        raise BadInputError(table.path, table.column_name(differs), expected, repr(table.header[differs]))
    if common != name:
        target = Target(common, common.casefold(), target.unit)
    return columns, target


def _target_columns(table: RawTable, name: str, average: bool) -> list[int]:
    """Return the column of a target, or those of its repeated determinations: of one header, or as "protein *" says."""
    columns = [column for column, header in enumerate(table.header) if header == name.strip() != ""]
    start, wild, end = name.strip().partition(WILD)
    if not columns and wild:
        columns = [
            column
            for column, header in enumerate(table.header)
            if header.startswith(start) and header.endswith(end) and len(header) >= len(start) + len(end) and header
        ]
        if len(columns) < 2 or not average:
            found = ", ".join(repr(table.header[column]) for column in columns) or "none"
            expected = f"several columns whose means are taken, as {name!r} and --average-duplicates say"
            raise BadInputError(table.path, "--target", expected, found if average else "no --average-duplicates")
    return columns if average and len(columns) > 1 else [find_column(table, name, "--target")]


def _common_name(name: str) -> str:
    """Return the name of a target in that of its columns: "protein" for "protein_*" and for "protein * (%)"."""
    if WILD not in name:
        return name.strip()
    name = " ".join(name.replace(WILD, " ").split())
    match = UNIT_IN_HEADER.fullmatch(name)
    return (match["name"] if match else name).rstrip(" _-.#")


def _check_repeats(table: RawTable, targets: dict[int, Target], average: bool) -> None:
    """Raise BadInputError for columns of one target whose means nobody asked for, or that differ in their units."""
    first: dict[str, int] = {}
    for column, target in targets.items():
        before = first.setdefault(target.name, column)
        if targets[before].unit != target.unit:
            expected = f"{targets[before].unit!r}, the unit of {target.name!r} in {table.column_name(before)}"
            raise BadInputError(table.path, table.column_name(column), expected, repr(target.unit))
        if before != column and not average:
            expected = "targets that occur once (--average-duplicates takes the mean of repeated determinations)"
            found = f"{target.name!r}, as in {table.column_name(before)}"
            raise BadInputError(table.path, table.column_name(column), expected, found)


def _target_of_header(table: RawTable, column: int, numeric: Sequence[int] = (), unit: str | None = None) -> Target:
    """Return the target of a header with its unit in brackets, such as "protein (g/kg)", else with `unit`.

    `numeric` are all columns that hold numbers, for the message.
    """
    header = table.header[column]
    if match := UNIT_IN_HEADER.fullmatch(header):
        return Target(match["name"], match["name"].casefold(), match["unit"].strip())
    if header and table.units and (below := _unit_below(table, column)):
        return Target(header, header.casefold(), below)
    if unit is not None and header:
        return Target(header, header.casefold(), unit)
    name = header or "NAME"
    expected = f"a unit, as in --target {f'{name}:%'!r} or --unit '%' (or --no-targets, for the spectra alone)"
    others = [repr(table.header[other]) for other in numeric if other != column][:5]
    found = "numbers without unit" + (f" (numbers also in {', '.join(others)})" if others else "")
    if column == 0 and header:
        found += f"; names rather than numbers? --sample-column {header!r}"
    raise BadInputError(table.path, table.column_name(column), expected, found)


def _unit_below(table: RawTable, column: int) -> str:
    """Return what the row of units says of a column; "" for nothing."""
    return "" if is_missing(table.units[column]) else str(table.units[column]).strip("()[] ")


def _find_channels(table: RawTable, by_user: set[int]) -> list[int]:
    """Return the columns whose headers are a number within one and the same text, such as 1100 nm, 1102 nm."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for column, cell in enumerate(table.header_cells):
        if column not in by_user and (match := HEADER_NUMBER.fullmatch(str(cell))):
            prefix = "" if match["prefix"] == "-" else match["prefix"].casefold().strip()
            groups[prefix, (match["suffix"] or "").casefold().strip()].append(column)
    channels = max(groups.values(), key=len, default=[])
    if len(channels) < MIN_CHANNELS:
        expected = f"one spectrum a row, at least {MIN_CHANNELS} columns headed by their channel (1100, X1100, 1100 nm)"
        found = ", ".join(repr(header) for header in table.header[:4]) + (", ..." if len(table.header) > 4 else "")
        if "not read" in table.dialect:
            found += f" in {table.dialect} (--sheet)"
        raise BadInputError(table.path, "header", expected, found)
    known = by_user.union(channels)
    for column in range(channels[0], channels[-1]):
        if column not in known:
            expected = f"a channel like its neighbours, such as {table.header[channels[0]]!r}"
            raise BadInputError(
                table.path,
                f"header, {table.places(column)}",
                expected,
                repr(table.header[column]),
            )
    return channels


def _says(table: RawTable, column: int, headers: frozenset[str]) -> bool:
    header = table.header[column].casefold()
    return header in headers or "".join(sign for sign in header if sign.isalnum()) in headers


def _holds_names(table: RawTable, column: int) -> bool:
    """Say whether a column holds a text of its own in every row. In a transposed table the first one names spectra."""
    cells = [row[column] for row in table.rows]
    text = isinstance(table, TransposedTable) or not any(is_number(cell) for cell in cells)
    return text and "" not in cells and len(set(cells)) == len(cells)


def _is_split(table: RawTable, column: int) -> bool:
    """Say whether a column is headed as one and parts the rows into training and test by their words, no others."""
    words = {str(row[column]).casefold() for row in table.rows}
    return _says(table, column, SPLIT_HEADERS) and words <= TRAIN | TEST and bool(words & TRAIN) and bool(words & TEST)


def _is_blank(table: RawTable, column: int) -> bool:
    return table.header[column] == "" and all(is_missing(row[column]) for row in table.rows)
