#!/usr/bin/env bash
# Makes the Python environment that the Makefile's commands run in: setup.sh <directory>.
# Its copy of requirements.txt says what was installed, so that an environment can be shared and a change is noticed.
set -euo pipefail
venv=$1

if [[ -x $venv/bin/python ]] && cmp -s requirements.txt "$venv/requirements.txt"; then
    exit 0
fi

python=""
for candidate in ${PYTHON3:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [[ -z $python ]]; then
    found=$("${PYTHON3:-python3}" --version 2>/dev/null) || found="none called ${PYTHON3:-python3}"
    echo "Python 3.11 or newer is needed; found: $found." >&2
    echo "Install it, then run the command again, if need be with its name: make setup PYTHON3=/path/to/python3.11" >&2
    exit 1
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_PROGRESS_BAR=off
echo "Setting up Python packages in $venv (once, a minute or two)"
if ! "$venv/bin/python" -c '' 2>/dev/null; then
    if ! "$python" -m venv --clear "$venv"; then
        rm -rf "$venv"
        echo "On Debian and Ubuntu the package python3-venv is needed: apt install python3-venv" >&2
        exit 1
    fi
fi
rm -f "$venv/requirements.txt"
"$venv/bin/python" -m pip install --require-hashes --requirement requirements.txt |
    awk '/^Collecting / { split($2, package, "=="); print "    " package[1] " " package[2]; fflush() }'
cp requirements.txt "$venv/requirements.txt"
