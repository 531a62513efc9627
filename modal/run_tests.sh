#!/usr/bin/env bash
# Runs the tests of what runs on Modal (venv.sh says what that needs).
set -euo pipefail
cd "$(dirname "$0")/.."
# Nothing is to be fetched once the packages are there: the model is built, not downloaded.
HF_HUB_OFFLINE=1 exec bash modal/venv.sh -m pytest -q -c modal/pyproject.toml tests/modal "$@"
