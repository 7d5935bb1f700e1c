#!/bin/sh
# Renews requirements.lock (what the image installs) and requirements-dev.lock (what `make` installs): one version of
# every dependency for all Pythons and platforms that we promise, with hashes. Versions that are locked and still fit
# pyproject.toml stay, unless asked otherwise. What clients/python needs is among them; that itself comes from its folder.
# Usage: deploy/lock.sh FOLDER [--upgrade | --upgrade-package NAME]...    with the folder of uv
set -eu
cd "$(dirname "$0")/.."
bin=$1
shift
lock() {
  "$bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --no-annotate --no-emit-package writeback-client "$@" pyproject.toml
}
lock "$@" --extra embedded --extra otel --group build --group dev --output-file requirements-dev.lock
# The image has nothing that was not tested: its lock is part of the other.
lock --constraint requirements-dev.lock --extra embedded --extra otel --group build --output-file requirements.lock
