#!/bin/sh
# Checks docker-compose.yml: with docker compose where it is there, else that it is YAML with services.
# Usage: deploy/check-compose.sh PYTHON
set -eu
cd "$(dirname "$0")/.."
if docker compose version >/dev/null 2>&1; then
  docker compose --env-file .env.example config --quiet
else
  "$1" -c 'import yaml; assert yaml.safe_load(open("docker-compose.yml"))["services"]'
fi
