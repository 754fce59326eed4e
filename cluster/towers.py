"""
The two towers, as trainer/models/towers/network.ts and loss.ts have them:

  user = normalise( Σ_f a_f · field_f + vector · U + history · H + followed · F + MLP(fields, history, numbers, vector) + ID embedding )
  post = normalise( Σ_f a_f · field_f + vector · V + MLP(fields, numbers, vector) + ID embedding )

The vector is that of an app's own encoder, where the community has any of posts, and of users. A history of n posts is shrunk
to n / (n + prior) of its mean vector. Weights have the names and shapes that stage.json lists.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

TABLES = ["tokens", "user_id_embeddings", "post_id_embeddings"]
_LAYERS = [f"{side}/{part}/{kind}" for side in ("user", "post") for part in ("hidden", "output") for kind in ("weight", "bias")]
VECTORS = {"post": "post/vector", "user": "user/vector"}
NAMES = ["user/mix", "post/mix", *VECTORS.values(), "user/history", "user/history_prior", "user/followed", *_LAYERS, *TABLES]


class Towers(torch.nn.Module):
    def __init__(self, weights: dict[str, Tensor]):
        super().__init__()
        for name, values in weights.items():
            self.register_parameter(name, torch.nn.Parameter(values))

    def forward(self, users: dict[str, Tensor], posts: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        return self.embed_users(users), self.embed_posts(posts)

    def embed_users(self, x: dict[str, Tensor]) -> Tensor:
        """
        [N, 32]. `tokens`, `token_weights`, `bags` (where each field of each row begins among them); `history`, `followed` [N, 32], `numbers`;
        `ids` [N] and `kept` (which of the rows have their ID embedding); in training `mask` [N, 32]. `text_vector` [N, 65] where users have vectors of
        the app's own.
        """
        weights = dict(self.named_parameters())
        # the first of the numbers is log(1 + n)
        length = x["numbers"][:, :1].expm1()
        history = x["history"] * (length / (length + weights["user/history_prior"].exp()))
        seen = history @ weights["user/history"] + x["followed"] @ weights["user/followed"]
        return self._tower("user", x, [history, x["numbers"]], seen)

    def embed_posts(self, x: dict[str, Tensor]) -> Tensor:
        """[N, 32], the same without history and followed; `text_vector` [N, 65] where posts have vectors of the app's own."""
        return self._tower("post", x, [x["numbers"]])

    def _tower(self, name: str, x: dict[str, Tensor], also: list[Tensor], seen: Tensor | float = 0.0) -> Tensor:
        weights = dict(self.named_parameters())
        if "text_vector" in x:
            also = [*also, x["text_vector"]]
            seen = seen + x["text_vector"] @ weights[VECTORS[name]]
        n = len(x["ids"])
        bags = F.embedding_bag(
            x["tokens"], weights["tokens"], x["bags"], mode="sum", per_sample_weights=x["token_weights"], sparse=True
        )
        fields = bags.reshape(n, -1, bags.shape[1])
        mixed = (fields * weights[f"{name}/mix"]).sum(1)
        inputs = torch.cat([fields.flatten(1), *also], 1)
        hidden = F.relu(inputs @ weights[f"{name}/hidden/weight"] + weights[f"{name}/hidden/bias"])
        learned = hidden @ weights[f"{name}/output/weight"] + weights[f"{name}/output/bias"]
        # rows that are left out get no gradient, so that Adam does not move them either
        known = F.embedding(x["ids"][x["kept"]], weights[f"{name}_id_embeddings"], sparse=True)
        own = torch.zeros_like(mixed).index_copy(0, x["kept"], known.to(mixed.dtype))
        vector = mixed + learned + own + seen
        if "mask" in x:
            vector = vector * x["mask"]
        vector = vector.float()
        return vector / (vector.square().sum(1, keepdim=True) + 1e-12).sqrt()


def corrections(rows: Tensor, posts: Tensor, log_q: Tensor, first: int = 0) -> Tensor:
    """
    What is added to the scores of some rows, [rows, columns]: −log q of each column's post, or the part of it that is corrected, and −1e9 where another column holds the row's own post
    again. `rows`: posts of the rows' positives, the first of which is column `first`.
    """
    hits = rows[:, None] == posts[None]
    own = torch.arange(len(rows), device=rows.device)
    hits[own, own + first] = False
    return torch.where(hits, torch.tensor(-1e9, device=rows.device), -log_q[None])


def sampled_softmax(users: Tensor, posts: Tensor, temperature: float, correction: Tensor, first: int = 0) -> Tensor:
    """Mean cross-entropy of the rows' positives: that of row i is column `first` + i."""
    logits = users @ posts.T / temperature + correction
    return F.cross_entropy(logits, torch.arange(len(users), device=users.device) + first)
