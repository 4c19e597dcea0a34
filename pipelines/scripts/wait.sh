#!/usr/bin/env bash
# Waits until an image has been promoted to an environment, by automation or by hand.
# REPOSITORY, DIGEST, ENVIRONMENT; TIMEOUT (1800 seconds), PAUSE (10 seconds). Exits like `promoter`: 0 it is there, 1 it
# was refused or has failed, 3 not within that time. What is due in hours is better waited for by an event
# (docs/migrating.md): an agent that waits is paid for.
. "$(dirname "$0")/common.sh"
need REPOSITORY DIGEST ENVIRONMENT
TIMEOUT=${TIMEOUT:-1800} PAUSE=${PAUSE:-10}
number TIMEOUT PAUSE
program promoter jq
DEADLINE=$((SECONDS + TIMEOUT))
said=""

tell() {
  if [ "$1" != "$said" ]; then
    said=$1
    echo "$1"
  fi
}

newest() { # the id and phase of the image's newest promotion there
  promoter history "$REPOSITORY" --in "$ENVIRONMENT" --limit 100 --json | jq --raw-output --arg digest "$DIGEST" \
    'first(.items[] | select(.digest == $digest and .kind != "rollback")) | "\(.id) \(.phase)"'
}

waits() { # whether the image is a candidate
  promoter candidates "$REPOSITORY" --to "$ENVIRONMENT" --json | jq --exit-status --arg digest "$DIGEST" \
    'any(.items[]; .digest == $digest)' >/dev/null
}

explain() { # says what stands in the way, and exits where nothing can come of it
  local decision code=0
  decision=$(promoter explain "$REPOSITORY@$DIGEST" --to "$ENVIRONMENT" --json) || code=$?
  case "$code" in
    0 | 3) tell "$(jq --raw-output '[.conditions[] | select(.state != "met") | .text] | join("; ") |
      if . == "" then "it qualifies" else . end' <<<"$decision")" ;;
    1)
      jq --raw-output '.conditions[] | select(.state != "met") | .text' <<<"$decision"
      exit 1
      ;;
    4 | 6) tell "nothing is known of it yet" ;;
    *) exit "$code" ;;
  esac
}

while true; do
  read -r record phase <<<"$(newest)" || true
  case "$phase" in
    succeeded)
      output record "$record"
      echo "$REPOSITORY@$DIGEST is in $ENVIRONMENT: record $record"
      exit 0
      ;;
    pending | importing)
      promoter show "$record" --wait "$((DEADLINE > SECONDS ? DEADLINE - SECONDS : 0))" >/dev/null || true
      ;;
    failed | superseded)
      if ! waits; then
        promoter show "$record"
        exit 1
      fi
      tell "record $record has $phase, and is tried again"
      ;;
    *) explain ;;
  esac
  if [ "$SECONDS" -ge "$DEADLINE" ]; then
    echo "wait.sh: $REPOSITORY@$DIGEST is not in $ENVIRONMENT after $TIMEOUT s" >&2
    exit 3
  fi
  sleep "$PAUSE"
done
