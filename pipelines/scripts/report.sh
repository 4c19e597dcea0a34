#!/usr/bin/env bash
# Reports a quality gate's verdict on an image. Run it whether the tests passed or failed.
# REPOSITORY, DIGEST (or TAG), ENVIRONMENT, GATE, STATUS: the job's, in the words of GitHub or Azure DevOps, or `passed` or
# `failed`; ISSUER, EVIDENCE, LINK (this run).
. "$(dirname "$0")/common.sh"
need REPOSITORY ENVIRONMENT GATE STATUS

case "$STATUS" in
  passed | success | Succeeded | SucceededWithIssues) verdict=passed ;;
  failed | failure | Failed) verdict=failed ;;
  cancelled | Canceled | skipped | Skipped)
    echo "The tests were not run to their end ($STATUS), which says nothing about the image: nothing is reported."
    exit 0
    ;;
  *)
    echo "report.sh: STATUS is $STATUS; it is to be passed or failed, or a job's status" >&2
    exit 2
    ;;
esac

link=${LINK:-}
if [ -z "$link" ] && [ -n "${GITHUB_RUN_ID:-}" ]; then
  link=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
elif [ -z "$link" ] && [ -n "${BUILD_BUILDID:-}" ]; then
  link="${SYSTEM_COLLECTIONURI}${SYSTEM_TEAMPROJECTID}/_build/results?buildId=$BUILD_BUILDID"
fi
options=(--in "$ENVIRONMENT")
[ -z "${ISSUER:-}" ] || options+=(--issuer "$ISSUER")
[ -z "${EVIDENCE:-}" ] || options+=(--evidence "$EVIDENCE")
[ -z "$link" ] || options+=(--link "$link")
promoter report "$(image)" "$GATE" "$verdict" "${options[@]}"
