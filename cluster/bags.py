"""Lists of many rows packed one after the other: hashed text, and histories."""

import torch
import torch.nn.functional as F
from torch import Tensor

_WORD = 0xFFFFFFFF


def spans(offsets: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Where what some rows hold lies in the packed values, and which of the rows each is of."""
    lengths = offsets[rows + 1] - offsets[rows]
    of = torch.repeat_interleave(torch.arange(len(rows)), lengths)
    first = torch.cumsum(lengths, 0) - lengths
    return torch.arange(len(of)) - first[of] + offsets[rows][of], of


class TokenBags:
    """Hashed text of users or posts, as trainer/models/towers/token-bags.ts packs it."""

    def __init__(self, table: dict, fields: int):
        (tokens, offsets), (weights, _), (field_of, _) = table["tokens"], table["weights"], table["fields"]
        self.tokens = torch.tensor(tokens, dtype=torch.long)
        self.weights = torch.tensor(weights)
        self.field_of = torch.tensor(field_of, dtype=torch.long)
        self.offsets = torch.tensor(offsets)
        self.fields = fields

    def look_up(self, rows: Tensor, numbers: Tensor | None = None, rate: float = 0, seed: int = 0) -> dict[str, Tensor]:
        """Tokens of some rows as `Towers` takes them. With a rate some are left out, by the numbers of the rows in their batch and a seed."""
        at, of = spans(self.offsets, rows)
        scale = 1.0
        if rate > 0:
            kept = chance(at, numbers[of], seed) >= rate
            at, of, scale = at[kept], of[kept], 1 / (1 - rate)
        bag = of * self.fields + self.field_of[at]
        counts = torch.bincount(bag, minlength=len(rows) * self.fields)
        return {
            "tokens": self.tokens[at],
            "token_weights": self.weights[at] * scale,
            "bags": torch.cumsum(counts, 0) - counts,
        }


def chance(a: Tensor, b: Tensor, seed: int) -> Tensor:
    """From 0 to 1, as the trainer's own hash of two whole numbers and a seed: the last steps of MurmurHash3."""
    h = (((a + b * 7919) & _WORD) * 0x9E3779B1 & _WORD) ^ seed
    h = (h ^ (h >> 16)) * 0x85EBCA6B & _WORD
    h = (h ^ (h >> 13)) * 0xC2B2AE35 & _WORD
    return (h ^ (h >> 16)).double() / 2**32


def pooled(offsets: Tensor, posts: Tensor, rows: Tensor, vectors: Tensor, decay: float, most: int) -> tuple[Tensor, Tensor]:
    """
    Recency-weighted mean of the vectors of each row's posts, the latest first, [rows, 32], and how many these are, [rows]: Σ decay^i v_i / Σ decay^i
    of the first `most`. A decay of 1 is the plain mean.
    """
    lengths = offsets[rows + 1] - offsets[rows]
    at, of = spans(offsets, rows)
    place = at - offsets[rows][of]
    kept = place < most
    at, of, place = at[kept], of[kept], place[kept]
    weights = decay ** place.to(vectors.dtype)
    counts = torch.bincount(of, minlength=len(rows))
    sums = torch.zeros(len(rows)).index_add(0, of, weights)
    bags = torch.cumsum(counts, 0) - counts
    out = F.embedding_bag(posts[at], vectors, bags, mode="sum", per_sample_weights=weights / sums[of])
    return out, lengths
