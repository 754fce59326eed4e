"""The stage of the ranker's training, as trainer/models/ranker/train.ts has it: requests shuffled, all rows of one together; the epoch is kept that does best on the held-out ones."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import ranks
from dlrm import STANDARDISATION, TABLES, Dlrm, dlrm_loss, mask_widths
from examples import Table

CHUNK = 64


class RankerStage:
    tables = TABLES

    def __init__(self, folder: Path, stage: dict, weights: dict[str, Tensor], device: torch.device, batch: int, lanes: int):
        self.options, self.inputs, self.device = stage["options"], stage["inputs"], device
        self.rows = stage["counts"]["rows"]
        requests, rows = Table(folder, "requests"), Table(folder, "rows")
        self.lanes = ranks.Lanes(requests.rows, lanes, batch, self.options["seed"])
        dimensions = self.inputs["dimensions"]
        self.vectors = torch.tensor(Table(folder, "posts").read(["vector"])["vector"][0]).reshape(-1, dimensions)
        of_requests = requests.read(["held_out", "counts", "came_to", "vector"], self.lanes.groups)
        self.users = torch.tensor(of_requests["vector"][0]).reshape(-1, dimensions)
        self.came_to = torch.tensor(of_requests["came_to"])
        counts, held_out = (torch.tensor(of_requests[name]) == 1 for name in ("counts", "held_out"))
        self.lanes.keep(counts & ~held_out)
        self.held_out = torch.nonzero(counts & held_out).flatten()
        self._read_rows(rows)
        self.model = Dlrm(weights, self.inputs).to(device)
        self.parallel = ranks.parallel(self.model, TABLES)
        self.masks = mask_widths(weights)
        self.held_out_losses = [self._held_out_loss()]
        self.best = {"epoch": 0, "weights": self._weights()}

    def _read_rows(self, table: Table) -> None:
        features, categories, heads = self.inputs["features"], self.inputs["categories"], self.inputs["heads"]
        names = ["post", "weight", "loss_weight", "log_position", "gain"]
        own = table.read([*names, *(f"{kind}_{head}" for kind in ("label", "known") for head in heads)], self.lanes.groups)
        side_by_side = lambda columns: torch.from_numpy(np.stack(list(columns.values()), 1))
        self.dense = side_by_side(table.read(features, self.lanes.groups))
        matches = self.inputs["matches"]
        self.matches = side_by_side(table.read(matches, self.lanes.groups)) if matches else None
        self.categories = side_by_side(table.read(categories, self.lanes.groups)).long()
        self.labels, self.known = (
            side_by_side({head: own[f"{kind}_{head}"] for head in heads}) for kind in ("label", "known")
        )
        self.post = torch.tensor(own["post"], dtype=torch.long)
        self.weight, self.loss_weight, self.log_position, self.gain = (torch.tensor(own[name]) for name in names[1:])

    @property
    def total(self) -> int:
        return self.options["epochs"] * self.lanes.steps

    def begin(self, epoch: int) -> None:
        self.lanes.begin(epoch)

    def refresh(self) -> None:
        pass

    def inputs_of(self, requests: Tensor) -> dict[str, Tensor]:
        """What network and loss read of some requests (rows of this rank's groups)."""
        at = (requests[:, None] * self.rows + torch.arange(self.rows)).flatten()
        inputs = {
            "dense": self.dense[at],
            "user": self.users[requests].repeat_interleave(self.rows, 0),
            "post": self.vectors[self.post[at]],
            "categories": self.categories[at],
            "log_weight": self.weight[at].clamp(min=1e-30).log().reshape(len(requests), self.rows, 1),
            "log_position": self.log_position[at][:, None],
            "gain": self.gain[at],
            "loss_weight": self.loss_weight[at],
            "labels": self.labels[at],
            "known": self.known[at],
            "came_to": self.came_to[requests],
            **({} if self.matches is None else {"vector_match": self.matches[at]}),
        }
        return {name: values.to(self.device) for name, values in inputs.items()}

    def loss(self, step: int, number: int) -> Tensor:
        chance, options = ranks.draws(self.options["seed"], number), self.options
        inputs = self.inputs_of(self.lanes.rows_of(step))
        own = self.lanes.slice_of(self.lanes.batch)
        for name, width in self.masks.items():
            rate = options["dot_dropout"] if name == "mask/dots" else options["dropout"]
            mask = (torch.rand(self.lanes.batch, 1, width, generator=chance) >= rate).float() / (1 - rate)
            inputs[name] = mask[own].to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.parallel(inputs)
        return dlrm_loss(logits.float(), inputs, self.inputs, options["head_weight"])

    slower: dict[str, float] = {}

    def rate(self, number: int) -> tuple[float, float]:
        return self.options["learning_rate"] * (1 - number / self.total), self.options["weight_decay"]

    def end(self, epoch: int) -> None:
        self.held_out_losses.append(self._held_out_loss())
        lowest = min(self.held_out_losses[:-1])
        if not self._has_held_out or self.held_out_losses[-1] < lowest:
            self.best = {"epoch": epoch + 1, "weights": self._weights()}

    def state(self) -> dict:
        return {"held_out_losses": self.held_out_losses, "best": self.best}

    def load(self, state: dict) -> None:
        self.held_out_losses, self.best = state["held_out_losses"], state["best"]

    def result(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        said = {"held_out_losses": json.dumps(self.held_out_losses), "epoch": str(self.best["epoch"])}
        return self.best["weights"], said

    @torch.no_grad()
    def _held_out_loss(self) -> float:
        of_all = torch.zeros(2, dtype=torch.double)
        for part in self.held_out.split(CHUNK):
            inputs = self.inputs_of(part)
            loss = dlrm_loss(self.model(inputs), inputs, self.inputs, self.options["head_weight"])
            of_all += torch.tensor([len(part) * float(loss), len(part)])
        lost, count = ranks.summed(of_all).tolist()
        self._has_held_out = count > 0
        return lost / count if count else 0.0

    def _weights(self) -> dict[str, Tensor]:
        standardisation = {name: getattr(self.model, name) for name in STANDARDISATION}
        return {name: values.detach().clone() for name, values in {**dict(self.model.named_parameters()), **standardisation}.items()}
