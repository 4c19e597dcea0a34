#!/usr/bin/env bash
# Installs the command line from this clone, for the steps that follow. Python 3.13 has to be there.
. "$(dirname "$0")/common.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
place=${RUNNER_TEMP:-${AGENT_TEMPDIRECTORY:-$(mktemp -d)}}/promoter
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then
  echo "install.sh: Python 3.13 is needed, and python3 is $(python3 --version); set it up in a step before" >&2
  exit 1
fi
python3 -m venv "$place"
# In the versions that Promoter was tested with; without their hashes, which the clone itself cannot have.
sed --expression '/^ *--hash=/d' --expression 's/ *\\$//' "$root/requirements-dev.txt" >"$place/constraints.txt"
"$place/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$place/constraints.txt" "$root"
if [ -n "${GITHUB_PATH:-}" ]; then
  echo "$place/bin" >>"$GITHUB_PATH"
else
  tell_agent "##vso[task.prependpath]$place/bin"
fi
"$place/bin/promoter" --version
