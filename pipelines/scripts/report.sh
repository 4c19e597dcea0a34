#!/usr/bin/env bash
# Reports a quality gate's verdict on an image. Run it whether the tests passed or failed.
# REPOSITORY, DIGEST (or TAG), ENVIRONMENT, GATE, STATUS: the job's, in the words of GitHub or Azure DevOps, or `passed` or
# `failed`; ISSUER, EVIDENCE, LINK (this run).
. "$(dirname "$0")/common.sh"
need REPOSITORY ENVIRONMENT GATE STATUS
program promoter

case "$STATUS" in
  passed | success | Succeeded) verdict=passed ;;
  failed | failure | Failed) verdict=failed ;;
  cancelled | Canceled | skipped | Skipped)
    echo "The tests were not run to their end ($STATUS), which says nothing about the image: nothing is reported."
    exit 0
    ;;
  SucceededWithIssues)
    echo "report.sh: a step of this job has failed and was let pass (continueOnError), so whether the tests have passed is" >&2
    echo "not known, and nothing is reported. Give the tests a job of their own, or STATUS the verdict itself." >&2
    exit 2
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
