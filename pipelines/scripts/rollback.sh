#!/usr/bin/env bash
# Rolls an environment back, and waits until it has: to a record, or to what ran well before.
# RECORD, or REPOSITORY and ENVIRONMENT; REASON, DRY_RUN (true), TIMEOUT (1800 seconds).
. "$(dirname "$0")/common.sh"
TIMEOUT=${TIMEOUT:-1800}
number TIMEOUT

options=(--yes)
if [ -n "${RECORD:-}" ]; then
  what=$RECORD
else
  need REPOSITORY ENVIRONMENT
  what=$REPOSITORY
  options+=(--in "$ENVIRONMENT")
fi
program promoter jq
[ -z "${REASON:-}" ] || options+=(--reason "$REASON")
if [ "${DRY_RUN:-false}" = true ]; then
  exec promoter rollback "$what" "${options[@]}" --dry-run
fi
code=0
answer=$(promoter rollback "$what" "${options[@]}" --wait "$TIMEOUT" --json) || code=$?
if [ "$code" -eq 0 ]; then
  output record "$(jq --raw-output .id <<<"$answer")"
  jq --raw-output '"\(.environment) runs \(.repository):\(.tag) again: record \(.id). Automation is kept off until `promoter unhold`."' \
    <<<"$answer"
elif [ -n "$answer" ]; then
  jq --raw-output '.detail // .failure.message // .' <<<"$answer" >&2 || true
fi
exit "$code"
