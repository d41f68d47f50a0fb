#!/bin/sh
# Installs LeadScout into a folder of its own, as the image has it:
#
#     docker/install.sh PREFIX
#
# A virtual environment with what the lock names for running, every file checked against its hash; the package as a wheel,
# not as a link to the source; compiled bytecode; the configuration of webserver and daemon in PREFIX/dagster. The
# Dockerfile runs this in its builder, the tests run it into a temporary folder.
#
# UV: the uv to use. PYTHON: the interpreter, which must lie at the same path where PREFIX is used.
# EXTRAS: optional dependencies that are installed as well, such as telemetry.
# UV_COMPILE_BYTECODE=0 leaves the bytecode to the first imports, which is no good where PREFIX is read-only.
set -eu

prefix=${1:?say where to: docker/install.sh PREFIX}
uv=${UV:-uv}
python=${PYTHON:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export UV_COMPILE_BYTECODE="${UV_COMPILE_BYTECODE:-1}" UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
unset VIRTUAL_ENV PYTHONPATH PYTHONHOME

"$uv" venv --quiet --clear --python "$python" "$prefix"
"$prefix/bin/python" "$root/docker/runtime_lock.py" ${EXTRAS:-} >"$work/runtime.lock"
"$uv" pip sync --quiet --python "$prefix/bin/python" --require-hashes "$work/runtime.lock"

# The build backend, too, comes with the hashes of the lock.
"$uv" build --quiet --wheel --python "$prefix/bin/python" --build-constraints "$root/requirements.lock" \
    --require-hashes --out-dir "$work/wheel" "$root"
"$uv" pip install --quiet --python "$prefix/bin/python" --no-deps "$work"/wheel/*.whl

# The webserver makes the two empty ones where they are missing, which it cannot on a read-only file system.
mkdir -p "$prefix/dagster/logs" "$prefix/dagster/.logs_queue"
cp -L "$root/docker/dagster.yaml" "$root/docker/workspace.yaml" "$prefix/dagster/"

"$prefix/bin/leadscout" --help >/dev/null
