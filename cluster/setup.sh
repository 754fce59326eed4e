#!/usr/bin/env bash
# What cluster/ needs, from Debian 13's own packages: PyTorch 2.6 and safetensors, a download of some 180 MB. Elsewhere any Python with both will do.
# OpenBLAS multiplies the matrices of a step in a fourteenth of the time of Debian's plain BLAS.
set -euo pipefail
packages=(python3-torch python3-safetensors libopenblas0-pthread)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  install=(apt-get install -y --no-install-recommends "${packages[@]}")
  "${install[@]}" || { apt-get update && "${install[@]}"; }
fi
/usr/bin/python3 -c 'import torch; print("PyTorch", torch.__version__)'
