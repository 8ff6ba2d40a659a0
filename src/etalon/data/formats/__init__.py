"""Files as instruments write them, one module a format.

Every module but `recognise`, `isolated` and `worker` has one public function::

    def read(path: Path) -> Scans

which returns what the file holds (`etalon.data.scans.Scans`, checked) or raises BadInputError: one line, whatever the
file holds. The formats: `jcamp_dx` (JCAMP-DX), `spc` (Galactic/Thermo SPC), `opus` (Bruker OPUS), `asd` (ASD
FieldSpec), `matlab` (MATLAB 5 to 7.3), `two_columns` (text: axis, intensity). The work is done by libraries; what they
raise for a damaged file becomes that one line.

`recognise.format_of` says which module reads a file. `isolated.read_files` reads files in a child process: libraries
trust sizes that stand in a file, and some are native code. A crash, a hang or a memory bomb ends that process alone.
"""
