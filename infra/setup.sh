#!/usr/bin/env bash
# Makes the Python environment that the Makefile's commands run in: setup.sh <directory>; setup.sh --remove <directory>.
# Its copy of requirements.txt says what was installed, so that an environment can be shared and a change is noticed.
# Only a directory with this script's stamp is ever written into or removed, so that a wrong name costs nobody's files.
set -euo pipefail
remove=""
if [[ ${1-} == --remove ]]; then
    remove=yes
    shift
fi
venv=${1:?a directory for the Python environment is needed: setup.sh .venv}
# A name that begins with a hyphen is no option.
[[ $venv == -* ]] && venv=./$venv
# infra/owned.py writes and reads the same one.
stamp=$venv/.groundplan
made=(bin include lib lib64 share etc man pyvenv.cfg .gitignore requirements.txt)

is_empty() { [[ -d $venv && -z $(ls -A -- "$venv") ]]; }

# Before there were stamps: an environment with our copy of requirements.txt and nothing that pip and venv don't make.
is_older() {
    [[ -f $venv/pyvenv.cfg && -f $venv/requirements.txt ]] || return 1
    local entry name known
    while IFS= read -r -d '' entry; do
        known=""
        for name in "${made[@]}"; do
            [[ ${entry##*/} == "$name" ]] && known=yes
        done
        [[ -n $known ]] || return 1
    done < <(find "$venv/" -mindepth 1 -maxdepth 1 -print0)
}

# What venv and pip made: whatever else somebody has put there stays, and so does its directory.
remove_environment() {
    local name
    for name in "${made[@]}"; do
        rm -rf -- "${venv:?}/$name"
    done
}

remove_all() {
    remove_environment
    rm -f -- "$stamp"
    rmdir -- "$venv" 2>/dev/null || true
}

refuse() {
    {
        echo "$venv: $1"
        echo "    expected: $2"
        echo "    to do:    $3"
    } >&2
    exit 1
}

if [[ -n $remove ]]; then
    [[ -e $venv ]] || exit 0
    [[ -f $stamp ]] || is_older || refuse "not made by make setup, so it stays" "an environment that make setup made" \
        "look at what is in it, and delete it yourself if it may go"
    remove_all
    exit 0
fi

if [[ -x $venv/bin/python ]] && cmp -s requirements.txt "$venv/requirements.txt"; then
    exit 0
fi

if [[ -e $venv && ! -f $stamp ]] && ! is_empty && ! is_older; then
    remedy="name another directory: make setup VENV=.venv"
    [[ $venv == .venv ]] && remedy="move it away, or name another directory: make setup VENV=.venv-project"
    refuse "holds files that make setup did not make; nothing was changed" \
        "a directory that is new or empty, or an environment that make setup made" "$remedy"
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
