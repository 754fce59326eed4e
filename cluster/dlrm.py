"""The ranker, as trainer/models/ranker/network.ts and loss.ts have it: a DLRM with a wide part that starts as the recency baseline, and its loss."""

import torch
import torch.nn.functional as F
from torch import Tensor

TABLES = ["embeddings", "wide"]
STANDARDISATION = ["mean", "deviation"]
_LAYERS = [f"{layer}/{kind}" for layer in ("bottom/1", "bottom/2", "top/1", "top/2", "top/3", "base_rate") for kind in ("weight", "bias")]
NAMES = [*_LAYERS, "position", "bias", "wide/recency_baseline", "wide/dense", "bottom/vector_match", "wide/vector_match", *TABLES, *STANDARDISATION]


class Dlrm(torch.nn.Module):
    def __init__(self, weights: dict[str, Tensor], inputs: dict):
        super().__init__()
        for name, values in weights.items():
            if name in STANDARDISATION:
                self.register_buffer(name, values)
            else:
                self.register_parameter(name, torch.nn.Parameter(values))
        self.inputs = inputs
        self.register_buffer("baseline", torch.tensor(inputs["recency_baseline"])[:, None])

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        """
        Logits [N, H] of the rows of some requests, `log_weight` [requests, rows, 1]: `dense` [N, F], `user` and `post` [N, 32], `categories` [N, C],
        `log_position` [N, 1], where posts have vectors of their own `vector_match` [N, 2], and in training `mask/bottom`, `mask/dots`, `mask/top` [requests, 1, width].
        """
        weights = dict(self.named_parameters())
        scaled = ((x["dense"] - self.mean) / self.deviation).clamp(-5, 5)
        layer = lambda name, of: of @ weights[f"{name}/weight"] + weights[f"{name}/bias"]
        match = lambda part: x["vector_match"] @ weights[f"{part}/vector_match"] if "vector_match" in x else 0.0
        first = _masked(x, "mask/bottom", F.relu(layer("bottom/1", scaled) + match("bottom")))
        bottom = F.relu(layer("bottom/2", first))
        n = len(bottom)
        embeddings = F.embedding(x["categories"], weights["embeddings"], sparse=True)
        slots = torch.cat([torch.stack([bottom, x["user"], x["post"]], 1).to(embeddings.dtype), embeddings], 1)
        i, j = torch.triu_indices(slots.shape[1], slots.shape[1], 1, device=slots.device)
        dots = _masked(x, "mask/dots", (slots @ slots.transpose(1, 2))[:, i, j])
        hidden = _masked(x, "mask/top", F.relu(layer("top/1", torch.cat([bottom, dots], 1))))
        deep = layer("top/3", F.relu(layer("top/2", hidden)))
        of_categories = F.embedding(x["categories"], weights["wide"], sparse=True)
        of_request = self.inputs["request_categories"]
        wide = scaled @ weights["wide/dense"] + match("wide") + of_categories[:, of_request:].sum(1)
        own = deep + wide + (x["dense"] @ self.baseline) * weights["wide/recency_baseline"]
        requests, rows, _ = x["log_weight"].shape
        scores = own.float().reshape(requests, rows, -1)
        shares = scores - torch.logsumexp(scores + x["log_weight"], 1, keepdim=True)
        user = scaled[:, : self.inputs["user_features"]]
        base_rate = torch.sigmoid((layer("base_rate", user) + of_categories[:, :of_request].sum(1)).float())
        log_base_rate = torch.log(base_rate + self.inputs["least_base_rate"])
        return shares.reshape(n, -1) + log_base_rate + weights["bias"] + x["log_position"] * weights["position"]


def mask_widths(weights: dict[str, Tensor]) -> dict[str, int]:
    """What training may leave out."""
    dimensions = weights["bottom/2/bias"].shape[0]
    return {
        "mask/bottom": weights["bottom/1/bias"].shape[0],
        "mask/dots": weights["top/1/weight"].shape[0] - dimensions,
        "mask/top": weights["top/1/bias"].shape[0],
    }


def dlrm_loss(logits: Tensor, x: dict[str, Tensor], inputs: dict, head_weight: float) -> Tensor:
    """
    The listwise loss of the score by views, votes and comments plus the heads' cross-entropy, means over requests. `gain`, `loss_weight` [N],
    `labels`, `known` [N, H], `came_to` [requests]: a request that somebody came to no post of says something to the optional heads alone.
    """
    requests, rows, _ = x["log_weight"].shape
    weights = torch.tensor(inputs["score_weights"], device=logits.device).clamp(min=1e-6)
    kinds = logits[:, : inputs["kinds"]]
    score = torch.logsumexp(F.logsigmoid(kinds) + weights.log(), 1)
    counted = (score + x["loss_weight"].clamp(min=1e-30).log()).reshape(requests, rows)
    wanted = (score * x["gain"]).reshape(requests, rows).sum(1)
    listwise = ((torch.logsumexp(counted, 1) - wanted) * x["came_to"]).mean()
    missed = x["labels"] * F.logsigmoid(logits) + (1 - x["labels"]) * F.logsigmoid(-logits)
    pointwise = -((missed * x["known"]).sum(1) * x["loss_weight"]).mean()
    return listwise + head_weight * rows * pointwise


def _masked(x: dict[str, Tensor], name: str, values: Tensor) -> Tensor:
    mask = x.get(name)
    if mask is None:
        return values
    return (values.reshape(mask.shape[0], -1, mask.shape[2]) * mask).reshape(values.shape)
