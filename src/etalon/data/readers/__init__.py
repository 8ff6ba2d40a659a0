"""One module a file format. An entry of the catalogue names its reader, and the import stage loads that one alone.

Every reader module has one public function::

    def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet

entry : the catalogue's entry (`etalon.catalogue.Entry`); `entry.options` holds the reader's settings, which
    `$defs/options_<reader>` in `workflow/schemas/catalogue.schema.yaml` describes and closes
files : where each of `entry.files` lies, by `FileSource.path`; checksums are verified. Empty for readers of
    data that is installed or generated (`chemotools`, `synthetic`, `synthetic_soil`)
seed : main seed of the run; readers of measured data ignore it, generators derive theirs from it and `entry.id`

It returns a checked `SpectraSet` whose metadata is made by `etalon.data.assemble.metadata_of`, so that everything the
catalogue says of the set travels with it. A reader of measured files brings them into named tables and hands these
to `etalon.data.assemble.assemble`. Readers import neither each other nor stages: an edit to one format re-imports the
datasets of that format alone.
"""
