# For the scripts beside it, which source it: settings that must be there, and outputs in GitHub's and Azure DevOps' way.
# shellcheck shell=bash
set -euo pipefail

need() { # NAME...: each must be set to something
  local name
  for name in "$@"; do
    if [ -z "${!name:-}" ]; then
      echo "$(basename "$0"): set $name; see pipelines/README.md" >&2
      exit 2
    fi
  done
}

output() { # NAME VALUE: for later steps and jobs
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    echo "$1=$2" >>"$GITHUB_OUTPUT"
  elif [ -n "${TF_BUILD:-}" ]; then
    echo "##vso[task.setvariable variable=$1;isOutput=true]$2"
  fi
}

image() { # the image, by its digest wherever that is known
  if [ -n "${DIGEST:-}" ]; then
    echo "$REPOSITORY@$DIGEST"
  else
    need TAG
    echo "$REPOSITORY:$TAG"
  fi
}
