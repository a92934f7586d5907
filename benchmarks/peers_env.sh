#!/bin/sh
# Make .cache/peers, the environment of the libraries that the benchmarks run beside ours.
#
# They are no dependencies of the project: each contestant is a process of its own. Needs uv on the
# PATH or in $UV.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}
test -x .cache/peers/bin/python || "$uv" venv --quiet --python 3.11 .cache/peers
"$uv" pip install --quiet --python .cache/peers/bin/python -c benchmarks/peers_constraints.txt \
  -r benchmarks/peers.txt
