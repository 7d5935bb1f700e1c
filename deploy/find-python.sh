#!/bin/sh
# Prints the first of these Pythons that can run writeback: 3.11 or newer, with venv. Those that are too old, or are
# shims that only say "not installed", are passed over, because each is tried.
# Usage: deploy/find-python.sh [PYTHON]    with PYTHON: that one or none
for python in ${1:-python3.13 python3.14 python3.12 python3.11 python3 python}; do
  if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "$python"
    exit
  fi
done
echo "${1:+$1 will not do: }Python 3.11 or newer with venv is needed." \
  "Debian: apt-get install python3 python3-venv; macOS: brew install python" >&2
exit 1
