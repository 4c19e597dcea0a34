#!/bin/sh
# Looks at the ids of the registries before Azure does, whose words on one that is missing are hard to read. azd runs this
# before `azd provision`.
set -eu
cd "$(dirname "$0")"

missing=0
names=$(sed -n 's/.*"id": *"${\([A-Za-z0-9_]*\)}".*/\1/p' main.parameters.json)
for name in $names; do
  id=$(printenv "$name" || true)
  if ! printf '%s' "$id" | grep -Eiqx \
    '/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/[:space:]]+/providers/Microsoft\.ContainerRegistry/registries/[a-z0-9-]{5,63}'; then
    echo "$name is '$id', which is no registry's resource id. Set it:" >&2
    echo "  azd env set $name \"\$(az acr show --name REGISTRY --query id --output tsv)\"" >&2
    missing=1
  fi
done
exit "$missing"
