#!/usr/bin/env bash
# torchrun of any number of ranks on this machine: bash cluster/torchrun.sh RANKS FOLDER/STAGE [options of train.py]
# Debian's PyTorch is built without libuv, which torchrun asks for (pytorch#148283): a file is the ranks' first meeting place, and their store
# goes without it. Where PyTorch has libuv, and over several machines, plain torchrun does.
set -euo pipefail
ranks=${1:?how many ranks}
shift
meeting=$(mktemp -u "${TMPDIR:-/tmp}/recsys-ranks-XXXXXX")
export USE_LIBUV=0 TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
# signals go to torchrun itself, which hands them on to the ranks
exec torchrun --nnodes 1 --nproc-per-node "$ranks" --max-restarts "${RESTARTS:-0}" --rdzv-backend c10d --rdzv-conf store_type=file \
  --rdzv-endpoint "$meeting" --rdzv-id recsys "$(dirname "$0")/train.py" "$@"
