#!/usr/bin/env bash
# Sets what the app on Deno Deploy reads from its environment, secrets among it.
#
# The values travel in a file that only this user can read, and not as arguments, which every process
# of the machine can see. `env load` has no option that makes a variable a secret: it goes by the
# name, and takes MAGIC_WORD for public. Where one name begins with PUBLIC_, all others are secrets
# but for --non-secrets. That is how the command behaves, not what it promises: so the result is asked
# for, and a secret that is none ends the deploy.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=.github/deploy/_common.sh
source .github/deploy/_common.sh

needs DENO_DEPLOY_TOKEN DENO_DEPLOY_ORG DENO_DEPLOY_APP MAGIC_WORD MODAL_TOKEN_ID MODAL_TOKEN_SECRET
choose_class

# mktemp's files are readable for their owner alone.
file=$(mktemp)
trap 'rm -f "$file"' EXIT

put() {
  local value
  value=$(trimmed "$2")
  # Between single quotes, everything else stands for itself.
  case "$value" in
    *"'"* | *$'\n'* | *$'\r'*) fail "$1 must hold no single quote and no line break: its value is hidden" ;;
  esac
  printf "%s='%s'\n" "$1" "$value" >>"$file"
}

secrets=(MAGIC_WORD MODAL_TOKEN_ID MODAL_TOKEN_SECRET)
for name in FORESIGHT_POKE_API_KEY TOKEN_SIGNING_KEYS SECRET_SEALING_KEYS WEBHOOK_SIGNING_KEYS; do
  if [[ "${!name:-}" =~ [^[:space:]] ]]; then
    secrets+=("$name")
  else
    echo "$name is empty: what the app has stays"
  fi
done
for name in "${secrets[@]}"; do put "$name" "${!name}"; done
public=(FORESIGHT_MODAL_ENVIRONMENT FORESIGHT_MODAL_APP_NAME FORESIGHT_MODAL_CLASS_NAME)
put FORESIGHT_MODAL_ENVIRONMENT "$(modal_environment)"
# Always both, so that the end of an override takes it back.
put FORESIGHT_MODAL_APP_NAME "$app_name"
put FORESIGHT_MODAL_CLASS_NAME "$class_name"
put PUBLIC_FORESIGHT_REVISION "$(git rev-parse HEAD 2>/dev/null || echo unknown)"

target=(--org "$DENO_DEPLOY_ORG" --app "$DENO_DEPLOY_APP" --json --non-interactive)
deno deploy env load "$file" --replace --non-secrets "${public[@]}" "${target[@]}"

listed=$(deno deploy env list "${target[@]}")
for name in "${secrets[@]}"; do
  jq -e --arg name "$name" 'any(.[]; .key == $name and .isSecret)' <<<"$listed" >/dev/null ||
    fail "$name must be a secret on Deno Deploy: it is missing there, or anyone of the organization" \
      "can read it"
done
