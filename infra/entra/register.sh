#!/bin/sh
# Makes the app registration that callers of Promoter's API get tokens for, and tells azd of it. azd runs this before
# and after `azd provision`; it may be run again at any time. Where PROMOTER_CLIENT_ID names a registration, that is
# taken as it is: application.json says what it needs.
set -eu

if [ "${PROMOTER_AUTH:-entra}" != entra ]; then
  # The parameter must be something: azd asks for what is empty.
  [ -n "${PROMOTER_CLIENT_ID:-}" ] || azd env set PROMOTER_CLIENT_ID none
  exit 0
fi
if [ "${PROMOTER_CLIENT_ID:-}" = none ]; then
  PROMOTER_CLIENT_ID=""
fi
cd "$(dirname "$0")"
graph=https://graph.microsoft.com/v1.0/applications
azure_cli=04b07795-8ddb-461a-bbee-02f9e1bf7b46 # what `az account get-access-token` signs in as
scope=6c1fe8a1-2ba8-4d6c-8a3f-0d5d3a8a1c10     # user_impersonation, in application.json
name="promoter-${AZURE_ENV_NAME:?azd sets it: run this by azd, or as azd hooks run preprovision}"

patch() {
  az rest --method patch --url "$graph(appId='$PROMOTER_CLIENT_ID')" --headers Content-Type=application/json --body "$1"
}

register() {
  if ! command -v az >/dev/null; then
    echo "The Azure CLI (az) was not found. Install it, or let an administrator make the app registration" >&2
    echo "(docs/azure.md) and name it: azd env set PROMOTER_CLIENT_ID <application id>" >&2
    exit 1
  fi
  # One of our own: anybody may have made another of that name, and would be let in by it.
  if ! PROMOTER_CLIENT_ID=$(az ad app list --show-mine --display-name "$name" \
    --query "[?displayName=='$name'].appId | [0]" --output tsv); then
    echo "What you own in Entra cannot be listed; a service principal, for one, owns nothing that it could ask for. Name" >&2
    echo "the app registration: azd env set PROMOTER_CLIENT_ID <application id>" >&2
    exit 1
  fi
  if [ -z "$PROMOTER_CLIENT_ID" ]; then
    echo "Making the app registration $name ..."
    body=$(sed "s/^{/{\"displayName\": \"$name\",/;q" application.json; sed 1d application.json)
    PROMOTER_CLIENT_ID=$(az rest --method post --url "$graph" --headers Content-Type=application/json \
      --body "$body" --query appId --output tsv)
  fi
  # On its own, so that a run which broke off here is made good by the next.
  az ad sp show --id "$PROMOTER_CLIENT_ID" --output none 2>/dev/null || az ad sp create --id "$PROMOTER_CLIENT_ID" --output none
  patch "{\"identifierUris\": [\"api://$PROMOTER_CLIENT_ID\"]}"
  patch "{\"api\": {\"preAuthorizedApplications\": [{\"appId\": \"$azure_cli\", \"delegatedPermissionIds\": [\"$scope\"]}]}}"
  if ! command -v azd >/dev/null; then
    echo "The app registration is there. Whoever deploys says: azd env set PROMOTER_CLIENT_ID $PROMOTER_CLIENT_ID"
    return
  fi
  azd env set PROMOTER_CLIENT_ID "$PROMOTER_CLIENT_ID"
  azd env set PROMOTER_REGISTERED "$PROMOTER_CLIENT_ID"
}

if [ -z "${PROMOTER_CLIENT_ID:-}" ]; then
  register
fi
# The browser comes back here after signing in to the dashboard; the address is known once the app is there.
if [ -n "${PROMOTER_URL:-}" ] && [ "${PROMOTER_REGISTERED:-}" = "$PROMOTER_CLIENT_ID" ]; then
  patch "{\"web\": {\"redirectUris\": [\"$PROMOTER_URL/.auth/login/aad/callback\"]}}"
fi
