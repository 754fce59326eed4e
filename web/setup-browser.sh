#!/usr/bin/env bash
# npm run setup:browser: installs Debian's Chromium without windows, in which the tests look at the pages. Running it again is harmless.
set -euo pipefail

fail() { printf '%s\n' "$*" >&2; exit 1; }

command -v apt-get >/dev/null || fail "This is for Debian. Elsewhere install Chromium and set CHROMIUM to its path."
if ! command -v chromium-headless-shell >/dev/null; then
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "Installing packages needs root: run this as root."
    exec sudo bash "$0" "$@"
  fi
  echo "Installing chromium-headless-shell"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # a font, or every letter is a box
  apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core >/dev/null || command -v chromium >/dev/null || fail "apt-get cannot install chromium-headless-shell. Install Chromium and set CHROMIUM to its path."
fi
{ chromium-headless-shell --version || chromium --version; } 2>/dev/null
