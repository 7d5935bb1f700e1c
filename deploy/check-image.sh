#!/bin/sh
# Checks what Docker and the forge read, without either; docker-compose.yml also with Docker Compose, where there is one.
# Usage: deploy/check-image.sh FOLDER    with the folder of hadolint and check-jsonschema
set -eu
cd "$(dirname "$0")/.."
"$1/hadolint" deploy/Dockerfile
"$1/check-jsonschema" --quiet --builtin-schema vendor.compose-spec docker-compose.yml
"$1/check-jsonschema" --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
if docker compose version >/dev/null 2>&1; then
  docker compose --env-file .env.example config --quiet
fi
