#!/bin/sh
# Makes .venv from requirements.lock, every file checked against its hash, and the project itself in editable form.
# Needs python3 >= 3.11 with venv and pip, or uv. Safe to call again; `make` calls it only when something changed.
set -eu
export PIP_DISABLE_PIP_VERSION_CHECK=1
cd "$(dirname "$0")/.."

say() { printf 'set-up: %s\n' "$*" >&2; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
        if new_enough "$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
    say "no Python 3.11 or newer found (python3 is $(python3 --version 2>&1 || true))."
    say "Install one, or name it: make test PYTHON=/path/to/python3.12"
    exit 2
}

make_venv() {
    python=$(find_python)
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" .venv
    elif "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        "$python" -m venv .venv
    else
        say "$python has no venv module. On Debian and Ubuntu: apt-get install python3-venv. Or install uv."
        exit 2
    fi
}

find_uv() {
    if command -v uv >/dev/null 2>&1; then
        command -v uv
    elif [ -x .venv/bin/uv ]; then
        printf '%s\n' .venv/bin/uv
    else
        .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
        sed -n '/^uv==/,/[^\\]$/p' requirements.lock >.venv/uv.txt
        if .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r .venv/uv.txt >&2; then
            printf '%s\n' .venv/bin/uv
        else
            say "no uv to be had for this machine; pip does it."
        fi
    fi
}

# Whom the machine trusts (a company's own certificate, say), uv trusts as well.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS-true}"

install_with_uv() {
    # A copy survives a cache on another disk, where uv would warn about each hard link.
    "$1" pip install --quiet --python .venv/bin/python --link-mode copy --require-hashes --only-binary :all: \
        -r requirements.lock &&
        "$1" pip install --quiet --python .venv/bin/python --link-mode copy --no-deps --no-build-isolation -e .
}

install_with_pip() {
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
}

started=$(date +%s)
new_enough .venv/bin/python || make_venv
uv=$(find_uv)
if [ -z "$uv" ]; then
    install_with_pip
elif ! install_with_uv "$uv"; then
    say "uv could not; pip tries."
    install_with_pip
fi
say "ready in $(($(date +%s) - started)) s: .venv, $(.venv/bin/python --version)"
