#!/bin/sh
# Make a virtual environment with a Python that is new enough: environment.sh FOLDER
# PYTHON=/path/to/python chooses one.
set -eu

folder=$1
new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$candidate" >/dev/null && "$candidate" -c "$new_enough" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

works() { [ -x "$1/bin/python" ] && "$1/bin/python" -c "$new_enough" 2>/dev/null; }

works "$folder" && exit 0

python=$(find_python)
if [ -z "$python" ]; then
    echo "Sluicegate needs Python 3.11 or newer, and found none${PYTHON:+ in PYTHON=$PYTHON}." >&2
    echo "On Debian 12 or newer: apt-get install python3 python3-venv" >&2
    exit 1
fi

# Debian splits off what `venv` needs to put pip into an environment.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >/dev/null || true
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python cannot make virtual environments. On Debian: apt-get install $package" >&2
        exit 1
    fi
fi

echo "Making $folder with $("$python" --version)"
rm -rf "$folder"
"$python" -m venv "$folder"
