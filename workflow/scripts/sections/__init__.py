"""The sections of docs/results.md, each a function of the folder of metrics tables; one module a subject."""
