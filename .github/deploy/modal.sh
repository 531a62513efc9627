#!/usr/bin/env bash
# Deploys to Modal the one app whose class is to answer. The other one stays as it was deployed last,
# so that going back to StreamingVLM cannot fail because of what one goes back from.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=.github/deploy/_common.sh
source .github/deploy/_common.sh

needs MODAL_TOKEN_ID MODAL_TOKEN_SECRET
choose_class
MODAL_TOKEN_ID=$(trimmed "$MODAL_TOKEN_ID")
MODAL_TOKEN_SECRET=$(trimmed "$MODAL_TOKEN_SECRET")
export MODAL_TOKEN_ID MODAL_TOKEN_SECRET

GEMMA3_HF_SECRET_NAME=$(trimmed "${FORESIGHT_GEMMA3_HF_SECRET_NAME:-}")
if [ -n "$GEMMA3_HF_SECRET_NAME" ]; then
  export GEMMA3_HF_SECRET_NAME
else
  unset GEMMA3_HF_SECRET_NAME
  echo "FORESIGHT_GEMMA3_HF_SECRET_NAME is empty: the container cannot fetch gated weights"
fi

environment=$(modal_environment)
echo "Deploying $class_name of $app_name to Modal's environment $environment"
modal deploy --env "$environment" "$app_file"
