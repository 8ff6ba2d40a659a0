#!/usr/bin/env bash
# Installs the locked packages and Etalon itself into the active environment; run at the top of the repository.
set -euo pipefail
# torch is the one package without a hash: with one, pip would prefer the registry's CUDA wheel to a local CPU wheel.
python -m pip install -qq --requirement envs/torch.txt
python -m pip install -qq --no-deps --require-hashes --requirement envs/requirements.lock
python -m pip install -qq --no-deps --editable .
