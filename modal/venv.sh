#!/usr/bin/env bash
# Runs Python with what runs on Modal: venv.sh ARGUMENTS... Needs Python 3.11 to 3.13 as python3 (or
# $PYTHON) with venv, and the first time a package registry; the packages stay in the user's cache (5 GB,
# or 0.4 GB where torch is there already) until the pins change: not in this folder, where deno would
# check them.
#
# A torch that the machine has already is used, whatever its build: PyPI's own brings 2.5 GB of CUDA.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

venv=${XDG_CACHE_HOME:-$HOME/.cache}/foresight-model-tests
python=${PYTHON:-python3}
pins=$(cat "$here"/requirements*.txt | sha256sum; "$python" --version)

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || {
  echo "Cannot run the model as python3 must be 3.11 to 3.13: current value is $("$python" --version)" >&2
  exit 1
}

if [ "$(cat "$venv/pins" 2>/dev/null)" != "$pins" ]; then
  echo "Installing what runs on Modal, the first time only (up to 5 GB)" >&2
  requirements=(-r "$here/requirements.txt" -r "$here/requirements-test.txt")
  options=(--system-site-packages)
  if ! "$python" -c 'import torch' 2>/dev/null; then
    requirements+=(-r "$here/requirements-torch.txt")
    options=()
  fi
  "$python" -m venv --clear "${options[@]}" "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --require-hashes \
    "${requirements[@]}"
  printf %s "$pins" >"$venv/pins"
fi

exec "$venv/bin/python" "$@"
