#!/usr/bin/env bash
# Promotes an image by hand, and waits until it is there. Who may is the environment's matter, here and in Promoter.
# REPOSITORY, DIGEST (or TAG), ENVIRONMENT; REASON, TIMEOUT (1800 seconds).
. "$(dirname "$0")/common.sh"
need REPOSITORY ENVIRONMENT
TIMEOUT=${TIMEOUT:-1800}
number TIMEOUT
program promoter jq

options=(--to "$ENVIRONMENT" --yes --wait "$TIMEOUT" --json)
[ -z "${REASON:-}" ] || options+=(--reason "$REASON")
code=0
answer=$(promoter promote "$(image)" "${options[@]}") || code=$?
if [ "$code" -eq 0 ]; then
  record=$(jq --raw-output .id <<<"$answer")
  output record "$record"
  echo "$(image) is in $ENVIRONMENT: record $record"
elif [ -n "$answer" ]; then
  jq --raw-output '.detail // .failure.message // ([(.decision // {}).conditions[]? | select(.state != "met") | .text] |
    join("; "))' <<<"$answer" >&2 || true
fi
exit "$code"
