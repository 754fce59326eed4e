"""For tests: whether the tables of a stage are read out of several shards as out of one whole."""

import sys
from pathlib import Path

import numpy as np

from examples import Table

COLUMNS = {
    "users": ["number", "user_id", "tokens", "weights", "fields", "followed"],
    "posts": ["number", "post_id", "tokens", "weights", "fields", "numbers", "vector", "trainable", "log_q"],
    "pairs": ["user", "post", "at", "history"],
}


def same(a, b) -> bool:
    if isinstance(a, tuple):
        return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    return np.array_equal(a, b)


for name, columns in COLUMNS.items():
    whole, shards = (Table(Path(folder), name) for folder in sys.argv[1:3])
    ours, theirs = whole.read(columns), shards.read(columns)
    for column in columns:
        if not same(ours[column], theirs[column]):
            raise SystemExit(f"{name}.{column} differs")
    if whole.rows != shards.rows:
        raise SystemExit(f"{name} has row groups of {whole.rows} and {shards.rows}")
    last = len(whole.groups) - 1
    if not same(whole.read(columns[:1], [last])[columns[0]], ours[columns[0]][-whole.rows[-1] :]):
        raise SystemExit(f"the last row group of {name} is another one")
    print(name, sum(whole.rows), len(whole.groups))
