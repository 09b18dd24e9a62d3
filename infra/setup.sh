#!/usr/bin/env bash
# Makes the Python environment that the Makefile's commands run in: setup.sh <directory>; setup.sh --remove <directory>.
# Finds a Python that is new enough and leaves the rest to bootstrap.py, unless nothing has changed since the last time.
set -euo pipefail

# Everything that decides what is installed. bootstrap.py keeps the same text in the environment (its `inputs`).
inputs() {
    printf '%s\n' "${GROUNDPLAN_LIBRARIES-}"
    cat requirements.txt infra/bootstrap.py .copier-answers.yml pyproject.toml vendor/libraries.txt \
        {infra,components,chassis,devkit}/pyproject.toml 2>/dev/null || true
}

venv=${1:?a directory for the Python environment is needed: setup.sh .venv}
if [[ $# == 1 && -x $venv/bin/python ]] && inputs | cmp -s - "$venv/.inputs"; then
    exit 0
fi

<<<<<<< HEAD
# A project that held copies of the libraries moves to them before anything else (groundplan.moving).
move() { [[ ! -e infra/commands.py ]] || exec "$venv/bin/python" -m groundplan.moving; }

if [[ -x $venv/bin/python ]] && cmp -s requirements.txt "$venv/requirements.txt"; then
    move
    exit 0
fi

if [[ -e $venv && ! -f $stamp ]] && ! is_empty && ! is_older; then
    remedy="name another directory: make setup VENV=.venv"
    [[ $venv == .venv ]] && remedy="move it away, or name another directory: make setup VENV=.venv-project"
    refuse "holds files that make setup did not make; nothing was changed" \
        "a directory that is new or empty, or an environment that make setup made" "$remedy"
fi

=======
>>>>>>> layout
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
<<<<<<< HEAD

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_PROGRESS_BAR=off
echo "Setting up Python packages in $venv (once, a minute or two)"
# The stamp comes first: a set-up that was interrupted anywhere is taken up again.
mkdir -p -- "$venv"
echo "Made by make setup, which may remove the Python environment in this directory." >"$stamp"
rm -f -- "$venv/requirements.txt"
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    remove_environment
    if ! "$python" -m venv "$venv"; then
        remove_all
        echo "On Debian and Ubuntu the package python3-venv is needed: apt install python3-venv" >&2
        exit 1
    fi
fi
"$venv/bin/python" -m pip install --require-hashes --requirement requirements.txt |
    awk '/^Collecting / { split($2, package, "=="); print "    " package[1] " " package[2]; fflush() }'
cp requirements.txt "$venv/requirements.txt"
move
=======
exec "$python" -I "$(dirname "$0")/bootstrap.py" "$@"
>>>>>>> layout
