#!/usr/bin/env bash
# Removes what commands and tools made here, and nothing else: `make clean`. What has no stamp of theirs stays and is named.
# A checkout with Windows' line ends: each command here would end in one. The comment at the line's own end takes it up.
if [[ -z ${BASH_EXECUTION_STRING-} ]] && grep -q $'\r' "$0"; then exec bash -c "$(tr -d '\r' <"$0")" "$0" "$@"; fi #
set -euo pipefail

# setup.sh knows its own environments.
bash "$(dirname "$0")/setup.sh" --remove .venv || true

for stamp in build/*/.groundplan; do
    directory=${stamp%/.groundplan}
    if [[ -f $stamp && ! -L $directory ]]; then
        rm -rf -- "$directory"
    fi
done
if [[ -d build ]] && ! rmdir build 2>/dev/null; then
    echo "build: what is left there was not made by make, so it stays: $(find build -mindepth 1 -maxdepth 1 | sort | head -5 | paste -sd ' ')" >&2
    echo "    to do:    look at it, and delete it yourself if it may go" >&2
fi

# Each is named, and marked as a cache, by the tool that fills it.
for cache in .pytest_cache .mypy_cache .ruff_cache .import_linter_cache; do
    if grep -qs '^Signature: 8a477f597d28d172789f06886806bc55' "$cache/CACHEDIR.TAG"; then
        rm -rf -- "$cache"
    fi
done
# Hypothesis leaves no mark: what it names goes, and the directory if nothing else is in it.
rm -rf -- .hypothesis/examples .hypothesis/constants .hypothesis/unicode_data .hypothesis/tmp
if [[ -d .hypothesis ]]; then
    rm -f -- .hypothesis/.gitignore
    rmdir .hypothesis 2>/dev/null || true
fi

# Bytecode only, and not in environments that others made.
outside=('(' -name .git -o -name .venv -o -name node_modules ')' -prune -o)
find . "${outside[@]}" -path '*/__pycache__/*.py[co]*' -type f -exec rm -f -- {} +
find . -depth -name __pycache__ -type d -empty -not -path '*/.git/*' -not -path '*/.venv/*' -not -path '*/node_modules/*' \
    -exec rmdir -- {} +
