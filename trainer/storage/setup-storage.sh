#!/usr/bin/env bash
# npm run setup:storage: what tests upload to, from Debian 13's own packages: moto, which answers as S3 does. Running it again is harmless.
set -euo pipefail
packages=(python3-moto python3-flask-cors)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  install=(apt-get install -y --no-install-recommends "${packages[@]}")
  "${install[@]}" || { apt-get update && "${install[@]}"; }
fi
/usr/bin/python3 -c 'import moto.server; print("moto", moto.__version__)' 2>/dev/null
