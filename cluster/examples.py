"""A stage's folder: stage.json, and its tables with the row groups of all shards in one order."""

import json
import re
from pathlib import Path

import numpy as np

from parquet import ParquetFile


def read_stage(folder: Path) -> dict:
    """What stage.json says; ends the program where there is none."""
    try:
        return json.loads((folder / "stage.json").read_text())
    except FileNotFoundError:
        raise SystemExit(f"{folder} holds no stage.json: name a stage of an export, such as DIR/towers") from None


class Table:
    """`name.parquet`, or the files of all shards: shard i of n has the groups i − 1, i − 1 + n, … of the whole."""

    def __init__(self, folder: Path, name: str):
        self.name = name
        files = {}
        for path in folder.glob(f"{name}*.parquet"):
            found = re.fullmatch(rf"{name}(?:\.(\d+)-of-(\d+))?\.parquet", path.name)
            if found:
                files[int(found[1] or 1), int(found[2] or 1)] = ParquetFile(path)
        counts = {of for _, of in files}
        if len(counts) != 1 or len(files) != next(iter(counts)):
            raise SystemExit(f"{folder} holds {len(files)} files of {name}, which are not all shards of one export")
        shards = [files[key] for key in sorted(files)]
        most = max(len(shard.rows) for shard in shards)
        self.groups = [(shard, i) for i in range(most) for shard in shards if i < len(shard.rows)]
        self.rows = [shard.rows[i] for shard, i in self.groups]

    def read(self, columns: list[str], groups: list[int] | None = None) -> dict:
        """Columns of some row groups, by default of all: arrays, and of lists (values, offsets)."""
        chosen = range(len(self.groups)) if groups is None else groups
        return {name: _joined([self.groups[g][0].read(self.groups[g][1], name) for g in chosen]) for name in columns}


def _joined(parts: list):
    if not parts:
        return np.empty(0)
    if not isinstance(parts[0], tuple):
        return np.concatenate(parts)
    values = np.concatenate([values for values, _ in parts])
    offsets, base = [np.zeros(1, np.int64)], 0
    for part, own in parts:
        offsets.append(own[1:] + base)
        base += len(part)
    return values, np.concatenate(offsets)
