"""One module a workflow rule: read, call, write. Nothing imports a stage."""
