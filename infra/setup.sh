#!/usr/bin/env bash
# Makes the Python environment that the Makefile's commands run in: setup.sh <directory>; setup.sh --remove <directory>.
# Finds a Python that is new enough and leaves the rest to bootstrap.py, unless nothing has changed since the last time.
# A checkout with Windows' line ends: each command here would end in one. The comment at the line's own end takes it up.
if [[ -z ${BASH_EXECUTION_STRING-} ]] && grep -q $'\r' "$0"; then exec bash -c "$(tr -d '\r' <"$0")" "$0" "$@"; fi #
set -euo pipefail

# Everything that decides what is installed. bootstrap.py keeps the same text in the environment (its `inputs`).
inputs() {
    printf '%s\n' "${GROUNDPLAN_LIBRARIES-}"
    cat requirements.txt infra/bootstrap.py .copier-answers.yml pyproject.toml vendor/libraries.txt \
        {infra,components,chassis,devkit}/pyproject.toml 2>/dev/null || true
}

# A project that held copies of the libraries moves to them before any command (groundplan.moving).
move() { [[ ! -e infra/commands.py ]] || exec "$venv/bin/python" -m groundplan.moving; }

# Files with two versions of a line: what decides what is installed may be among them.
undecided() {
    {
        git diff --name-only --diff-filter=U --relative
        git grep -lE '^(<<<<<<< before|>>>>>>> after) updating'
    } 2>/dev/null | sort -u || true
}

venv=${1:?a directory for the Python environment is needed: setup.sh .venv}
if [[ $# == 1 && -x $venv/bin/python ]] && inputs | cmp -s - "$venv/.inputs"; then
    move
    exit 0
fi

undecided=$(undecided)
if [[ $# == 1 && -n $undecided ]]; then
    {
        echo "Your edits and an update meet in these files; nothing is set up until they are decided:"
        sed 's/^/    /' <<<"$undecided"
        echo "Decide between the conflict markers there, then: git add <file> && make setup"
        echo "Or give the update up, back to your last commit: git add --all . && git stash"
    } >&2
    exit 1
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
"$python" -I "$(dirname "$0")/bootstrap.py" "$@"
[[ $# != 1 ]] || move
