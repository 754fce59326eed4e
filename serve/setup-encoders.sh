#!/usr/bin/env bash
# npm run setup:encoders: @huggingface/transformers for the tests that run it, of 475 MB and so no dependency, in a folder of its own. Running it again
# is harmless. Scripts stay out: ONNX Runtime's would fetch libraries for GPUs.
set -euo pipefail
cd "$(dirname "$0")/.."
npm install --prefix node_modules/.encoders --no-audit --no-fund --no-package-lock --ignore-scripts @huggingface/transformers@4.3.2
