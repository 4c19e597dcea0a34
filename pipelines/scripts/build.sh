#!/usr/bin/env bash
# Builds an image and pushes it; the digest is the output `digest`, and all that follows goes by it.
# REGISTRY (as in dev.azurecr.io), REPOSITORY, TAG; CONTEXT (.), DOCKERFILE, PLATFORMS (as in linux/amd64,linux/arm64).
. "$(dirname "$0")/common.sh"
need REGISTRY REPOSITORY TAG
program docker jq

metadata=$(mktemp)
builder=""
clean() {
  rm -f "$metadata"
  [ -z "$builder" ] || docker buildx rm "$builder" >/dev/null
}
trap clean EXIT
options=(--push --tag "$REGISTRY/$REPOSITORY:$TAG" --metadata-file "$metadata")
[ -z "${DOCKERFILE:-}" ] || options+=(--file "$DOCKERFILE")
[ -z "${PLATFORMS:-}" ] || options+=(--platform "$PLATFORMS")
if [[ ${PLATFORMS:-} == *,* ]]; then # the builder that docker comes with makes one platform at a time
  builder=$(docker buildx create --driver docker-container)
  options+=(--builder "$builder")
fi
docker buildx build "${options[@]}" "${CONTEXT:-.}"

digest=$(jq --raw-output '."containerimage.digest" // empty' "$metadata")
if [ -z "$digest" ]; then
  echo "build.sh: docker buildx did not say what it has pushed" >&2
  exit 1
fi
echo "$REGISTRY/$REPOSITORY:$TAG is $digest"
output digest "$digest"
