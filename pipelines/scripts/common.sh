# For the scripts beside it, which source it: settings that must be there, and outputs in GitHub's and Azure DevOps' way.
# shellcheck shell=bash
set -euo pipefail

# What others have written, a hold's reason or a registry's words, is shown here and could be a command to the agent
# (`##vso[...]`, `::...`). So whatever is printed is made plain; only `tell_agent` speaks to it.
plain() {
  sed --unbuffered --expression 's/\r/ /g' --expression 's/##\([A-Za-z]*\)\[/# #\1[/g' --expression 's/^\([[:space:]]*\)::/\1: :/'
}
exec 3>&1 > >(plain) 2> >(plain >&2)

# As the pipeline has signed in (AzureCLI@2, azure/login), and not as a machine's own identity, which would come first.
export AZURE_TOKEN_CREDENTIALS=${AZURE_TOKEN_CREDENTIALS:-AzureCliCredential}

tell_agent() { # COMMAND
  echo "$1" >&3
}

need() { # NAME...: each must be set to something
  local name
  for name in "$@"; do
    if [ -z "${!name:-}" ]; then
      echo "$(basename "$0"): set $name; see pipelines/README.md" >&2
      exit 2
    fi
  done
}

number() { # NAME...: each must be a whole number; it is calculated with, and bash calculates whatever it is given
  local name
  for name in "$@"; do
    if ! [[ ${!name} =~ ^(0|[1-9][0-9]{0,8})$ ]]; then
      echo "$(basename "$0"): $name is ${!name}; it is to be a whole number of seconds" >&2
      exit 2
    fi
  done
}

program() { # NAME...: each must be there
  local name
  for name in "$@"; do
    if ! command -v "$name" >/dev/null; then
      echo "$(basename "$0"): $name was not found on this agent; see pipelines/README.md" >&2
      exit 2
    fi
  done
}

output() { # NAME VALUE: for later steps and jobs
  if [ -n "${GITHUB_OUTPUT:-}" ]; then
    echo "$1=$2" >>"$GITHUB_OUTPUT"
  elif [ -n "${TF_BUILD:-}" ]; then
    tell_agent "##vso[task.setvariable variable=$1;isOutput=true]$2"
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
