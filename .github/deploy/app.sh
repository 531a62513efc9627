#!/usr/bin/env bash
# Deploys the app to Deno Deploy, waits until it is built, and hands on its address as `url`.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=.github/deploy/_common.sh
source .github/deploy/_common.sh

needs DENO_DEPLOY_TOKEN DENO_DEPLOY_ORG DENO_DEPLOY_APP GITHUB_OUTPUT
deployed=$(deno deploy . --prod --org "$DENO_DEPLOY_ORG" --app "$DENO_DEPLOY_APP" \
  --json --non-interactive)
url=$(trimmed "${FORESIGHT_URL:-}")
url=${url:-$(jq -r '.productionUrl // empty' <<<"$deployed")}
[[ "$url" =~ ^https://[A-Za-z0-9.-]+(:[0-9]+)?/?$ ]] ||
  fail "the app's address must be https://HOST; set FORESIGHT_URL where Deno Deploy does not tell" \
    "it: current value is \"$url\""
echo "Deployed to $url"
echo "url=$url" >>"$GITHUB_OUTPUT"
