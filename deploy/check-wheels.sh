#!/bin/sh
# Checks that every dependency has a wheel, so that nobody needs a compiler: for each Python and platform that we promise.
# Asks the package index by uv, which alone can resolve for another machine, and installs nothing.
# Usage: deploy/check-wheels.sh
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uv=$(command -v uv) || {
  "$(sh deploy/find-python.sh)" -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check uv
  uv=$folder/venv/bin/uv
}
failed=0
for python in 3.11 3.12 3.13 3.14; do
  for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-apple-darwin \
    x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
    case $platform in
      *musl) wanted='--group portable' ;; # as the Makefile does
      *) wanted='--extra embedded --group dev' ;;
    esac
    # shellcheck disable=SC2086 # several words
    if "$uv" pip compile --quiet --no-config --only-binary :all: --python-version $python --python-platform $platform \
      $wanted --output-file "$folder/$python-$platform" pyproject.toml >/dev/null 2>"$folder/why"; then
      echo "$python on $platform: wheels for all $(grep -c == "$folder/$python-$platform") packages"
    else
      echo "$python on $platform: NO"
      cat "$folder/why"
      failed=1
    fi
  done
done
exit $failed
