"""One small sound file of every format: what the fuzz run damages."""

import io
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import rdata
from safetensors.numpy import save as tensors_to_bytes
from scipy.io import savemat

WAVELENGTHS = np.array([1000.0, 1010.5, 1020.0, 1030.0])
SPECTRA = np.random.default_rng(7).normal(size=(5, 4)).round(6)
BRIX = np.array([10.5, 11.25, np.nan, 12.0, 9.75])
SORT = ["gala", "gala", "fuji", "fuji", "gala"]
TABLE = pd.DataFrame(SPECTRA, columns=["1000", "1010.5", "1020", "1030"]).assign(brix=BRIX, sort=SORT)


def text_table() -> list[bytes]:
    """Tables with commas, and with semicolons, decimal commas and quotes."""
    german = TABLE.rename(columns={"sort": 'of a "sort"'}).to_csv(index=False, sep=";", decimal=",", quoting=2)
    return [TABLE.to_csv(index=False).encode(), german.encode("utf-8-sig"), german.encode("utf-16")]


def workbook() -> list[bytes]:
    content = io.BytesIO()
    TABLE.to_excel(content, index=False, engine="openpyxl")
    return [content.getvalue()]


def array() -> list[bytes]:
    contents = []
    for values in (SPECTRA, SPECTRA.astype(np.float32, order="F")):
        content = io.BytesIO()
        np.save(content, values)
        contents.append(content.getvalue())
    return contents


def two_columns() -> list[bytes]:
    content = io.StringIO()
    np.savetxt(content, np.column_stack([WAVELENGTHS, SPECTRA[0]]), delimiter=",", fmt="%.8f")
    return [content.getvalue().encode()]


def matlab() -> list[bytes]:
    """A matrix with labels, and PLS_Toolbox dataset objects; not compressed, so that damage reaches what is inside."""
    matrix = {
        "Matrix": np.hstack([BRIX[:, None], SPECTRA]),
        "VarLabels": np.array(["brix", "1000.0", "1010.5", "1020.0", "1030.0"]),
        "ObjLabels": np.array(SORT),
    }
    cells = np.empty((2, 2), dtype=object)
    cells[:] = ""
    cells[0, 0], cells[1, 0] = np.array(SORT), WAVELENGTHS
    contents = []
    for variables in (matrix, {"X": {"data": SPECTRA, "axisscale": cells, "label": cells}}):
        content = io.BytesIO()
        savemat(content, variables, do_compression=False)
        contents.append(content.getvalue())
    return contents


def r_data(folder: Path) -> list[bytes]:
    rdata.write_rda(folder / "apples.rda", {"apples": TABLE.astype({"sort": "string[python]"})}, compression=None)
    return [(folder / "apples.rda").read_bytes()]


def julia(folder: Path) -> list[bytes]:
    path = folder / "apples.jld2"
    with h5py.File(path, "w") as file:
        dat = np.zeros((), dtype=[("X", h5py.ref_dtype)])
        dat["X"] = file.create_dataset("matrix", data=SPECTRA.T).ref
        file.create_dataset("dat", data=dat)
    return [path.read_bytes()]


def opus() -> list[bytes]:
    """A file of one absorbance block: the header, its directory of blocks, parameters, values (40 channels)."""
    n = 40
    values = np.linspace(0.1, 0.9, n, dtype="<f4").tobytes()
    parameters = (
        b"".join(
            struct.pack("<3sxHH", name, kind, len(value) // 2) + value
            for name, kind, value in (
                (b"DPF", 0, struct.pack("<i", 1)),
                (b"NPT", 0, struct.pack("<i", n)),
                (b"FXV", 1, struct.pack("<d", 9000.0)),
                (b"LXV", 1, struct.pack("<d", 5000.0)),
                (b"CSF", 1, struct.pack("<d", 1.0)),
                (b"DXU", 2, b"WN\0\0"),
                (b"DAT", 2, b"01/02/2020\0\0"),
                (b"TIM", 2, b"12:00:00\0\0\0\0"),
            )
        )
        + b"END\0\0\0\0\0"
    )
    parameters += b"\0" * (-len(parameters) % 4)
    start = 24 + 3 * 12
    data_type, status_type = 0x100F, 0x101F  # the block AB, and its parameters
    directory = struct.pack("<III", 0x3400, 9, 24)
    directory += struct.pack("<III", status_type, len(parameters) // 4, start)
    directory += struct.pack("<III", data_type, n, start + len(parameters))
    header = b"\x0a\x0a\xfe\xfe" + struct.pack("<diii", 920622.0, 24, 40, 3)
    return [header + directory + parameters + values]


def jcamp_dx() -> list[bytes]:
    """The same spectrum as pairs in one line and as ordinates in steps, once with two blocks in one file."""
    head = "##TITLE=apple\n##JCAMP-DX=5.00\n##DATA TYPE=INFRARED SPECTRUM\n##XUNITS=1/CM\n##YUNITS=ABSORBANCE\n"
    head += "##FIRSTX=4000\n##LASTX=4012\n##XFACTOR=1\n##YFACTOR=0.001\n##NPOINTS=4\n"
    steps = head + "##DELTAX=4\n##XYDATA=(X++(Y..Y))\n4000 412 420 433 440\n##END=\n"
    pairs = head + "##XYPOINTS=(XY..XY)\n4000,412 4004,420 4008,433 4012,440\n##END=\n"
    compound = f"##TITLE=both\n##DATA TYPE=LINK\n##BLOCKS=2\n{steps}{steps}##END=\n"
    return [text.encode() for text in (steps, pairs, compound)]


def spc() -> list[bytes]:
    """Galactic's new format, little-endian: header of 512 bytes, then a header of 32 bytes before each spectrum."""
    contents = []
    for n_spectra, flags in ((1, 0x00), (3, 0x04)):
        header = struct.pack("<BBBbiddi", flags, 0x4B, 0, -128, 40, 4000.0, 4390.0, n_spectra)
        header += bytes([1, 2]) + b"\0" * (512 - len(header) - 2)
        values = np.linspace(0.1, 0.9, 40, dtype="<f4").tobytes()
        contents.append(header + (struct.pack("<BbH", 0, -128, 0) + b"\0" * 28 + values) * n_spectra)
    return contents


def asd() -> list[bytes]:
    """ASD's first format: a header of 484 bytes, then the values in double precision."""
    header = bytearray(484)
    header[:3] = b"ASD"
    struct.pack_into("<ff", header, 191, 350.0, 1.0)
    header[199] = 2
    struct.pack_into("<h", header, 204, 40)
    return [bytes(header) + np.linspace(0.1, 0.9, 40).tobytes()]


def matlab_axis() -> list[bytes]:
    """A matrix and the vector that is its axis, as version 5 and as version 7.3 (HDF5)."""
    old = io.BytesIO()
    savemat(old, {"X": SPECTRA, "wavelength": WAVELENGTHS, "brix": BRIX[:, None]}, do_compression=False)
    new = io.BytesIO()
    with h5py.File(new, "w", userblock_size=512) as file:
        file["X"], file["wavelength"] = SPECTRA.T, WAVELENGTHS[:, None]
    content = bytearray(new.getvalue())
    content[:19] = b"MATLAB 7.3 MAT-file"
    content[124:128] = b"\x00\x02IM"
    return [old.getvalue(), bytes(content)]


def parquet() -> list[bytes]:
    content = io.BytesIO()
    pd.DataFrame({"sample_id": list("abcde"), "specimen": list("aabbc")}).to_parquet(content, index=False)
    return [content.getvalue()]


def tensors() -> list[bytes]:
    return [tensors_to_bytes({"x": SPECTRA.astype(np.float32), "y": BRIX})]


def members_of(content: bytes) -> dict[str, bytes]:
    """Return what a zip archive holds, by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()
