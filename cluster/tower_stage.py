"""A stage of the towers' training: what a step sees, which trainer/models/towers/tower-trainer.ts explains."""

from pathlib import Path

import torch
from torch import Tensor

import ranks
from bags import TokenBags, pooled
from examples import Table
from towers import TABLES, VECTORS, Towers, corrections, sampled_softmax

CHUNK = 2048


class TowerStage:
    tables = TABLES

    def __init__(self, folder: Path, stage: dict, weights: dict[str, Tensor], device: torch.device, batch: int, lanes: int):
        self.options, self.inputs, self.device = stage["options"], stage["inputs"], device
        users = Table(folder, "users").read(["tokens", "weights", "fields", "followed"])
        posts = Table(folder, "posts").read(["tokens", "weights", "fields", "numbers", "trainable", "log_q"])
        self.user_bags = TokenBags(users, self.inputs["user_fields"])
        self.post_bags = TokenBags(posts, self.inputs["post_fields"])
        self.followed = tuple(torch.tensor(part, dtype=torch.long) for part in users["followed"])
        self.post_numbers = torch.tensor(posts["numbers"][0]).reshape(len(posts["log_q"]), -1)
        width = self.inputs["text_vector"]
        self.own = {side: vectors_of(Table(folder, f"{side}s"), width) for side, name in VECTORS.items() if name in stage["weights"]}
        self.slower = {name: self.options["vector_learning_rate"] for name in VECTORS.values()}
        # an earlier export does not say how much of it is corrected: all of it
        self.corrected = self.options.get("sampling_correction", 1) * torch.tensor(posts["log_q"])
        self.trainable = torch.nonzero(torch.tensor(posts["trainable"])).flatten()
        pairs = Table(folder, "pairs")
        self.lanes = ranks.Lanes(pairs.rows, lanes, batch, self.options["seed"])
        own = pairs.read(["user", "post", "history"], self.lanes.groups)
        self.users, self.posts = (torch.tensor(own[name], dtype=torch.long) for name in ("user", "post"))
        self.history = tuple(torch.tensor(part, dtype=torch.long) for part in own["history"])
        # as many uniform negatives for each positive as here, so that log q stays what it is
        per_lane = round(self.options["uniform_negatives"] * self.lanes.batch / self.options["batch"] / lanes)
        self.uniform = per_lane * lanes
        self.model = Towers(weights).to(device)
        self.parallel = ranks.parallel(self.model, TABLES)
        self.examples = sum(pairs.rows)
        self.vectors = torch.empty(0)

    @property
    def total(self) -> int:
        """Steps of the whole training."""
        return self.options["epochs"] * self.lanes.steps

    def begin(self, epoch: int) -> None:
        self.lanes.begin(epoch)

    def refresh(self) -> None:
        """Embeds all posts: the histories of the epoch's steps are pooled from these vectors."""
        count = len(self.post_numbers)
        part = -(-count // ranks.count())
        own = torch.arange(ranks.rank() * part, (ranks.rank() + 1) * part).clamp(max=count - 1)
        self.vectors = ranks.gathered(self.embed_posts(own)).flatten(0, 1)[:count].cpu()

    @torch.no_grad()
    def embed_posts(self, posts: Tensor) -> Tensor:
        return torch.cat([self.model.embed_posts(self._on_device(self._post_inputs(rows))) for rows in posts.split(CHUNK)])

    @torch.no_grad()
    def embed_users(self, users: Tensor, history: tuple[Tensor, Tensor]) -> Tensor:
        """[N, 32]: users with the posts that each one's history (values, offsets) has."""
        return self.model.embed_users(self._on_device(self._user_inputs(users, history, torch.arange(len(users)))))

    def loss(self, step: int, number: int) -> Tensor:
        """Of this rank's rows in a step of the epoch; `number` is that of the step in the whole training, from 0."""
        return self.loss_of(self.lanes.rows_of(step), self._drawn(number))

    def _drawn(self, number: int) -> dict:
        """What chance says of a step, for the rows of all ranks."""
        chance, options = ranks.draws(self.options["seed"], number), self.options
        batch, uniform = self.lanes.batch, self.uniform
        return {
            "uniform": self.trainable[torch.randint(len(self.trainable), (uniform,), generator=chance)],
            "cold": torch.rand(batch, generator=chance) < options["cold_users"],
            "keep_users": torch.rand(batch, generator=chance) >= options["id_embedding_dropout"],
            "keep_posts": torch.rand(batch + uniform, generator=chance) >= options.get("post_id_embedding_dropout", options["id_embedding_dropout"]),
            "user_mask": vector_mask(batch, options, self.inputs, chance),
            "post_mask": vector_mask(batch + uniform, options, self.inputs, chance),
            "vectorless": torch.rand(batch + uniform, generator=chance) < options["vectorless"],
            "seed": int(torch.randint(2**31, (1,), generator=chance)),
            "vectorless_users": torch.rand(batch, generator=chance) < options["vectorless"],
        }

    def loss_of(self, rows: Tensor, drawn: dict) -> Tensor:
        """The loss of this rank's rows (of its row groups): of the positives of all ranks, and of uniform negatives that they share."""
        batch, uniform, n = self.lanes.batch, self.uniform, len(rows)
        own, more = self.lanes.slice_of(batch), self.lanes.slice_of(uniform)
        of_users = torch.arange(batch)[own]
        of_posts = torch.cat([of_users, batch + torch.arange(uniform)[more]])
        cold, rate, seed = drawn["cold"][own], self.options["token_dropout"], drawn["seed"]
        users = self._user_inputs(self.users[rows], self.history, rows, cold, (of_users, rate, seed))
        users["kept"] = torch.nonzero(drawn["keep_users"][own] & ~cold).flatten()
        users["mask"] = drawn["user_mask"][own]
        ids = torch.cat([self.posts[rows], drawn["uniform"][more]])
        posts = self._post_inputs(ids, (of_posts, rate, seed))
        posts["kept"] = torch.nonzero(drawn["keep_posts"][of_posts]).flatten()
        posts["mask"] = drawn["post_mask"][of_posts]
        for side, without in ((users, drawn["vectorless_users"][own]), (posts, drawn["vectorless"][of_posts])):
            if "text_vector" in side:
                side["text_vector"] = side["text_vector"] * ~without[:, None]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            user_vectors, post_vectors = self.parallel(self._on_device(users), self._on_device(posts))
        ids = ids.to(self.device)
        columns = in_columns(ranks.GatheredWithGradients.apply(post_vectors), n)
        of_columns = in_columns(ranks.gathered(ids), n)
        first = ranks.rank() * n
        added = corrections(ids[:n], of_columns, self.corrected.to(self.device)[of_columns], first)
        return sampled_softmax(user_vectors, columns, self.options["temperature"], added, first)

    def rate(self, number: int) -> tuple[float, float]:
        """Learning rate and weight decay of a step, from 0."""
        options = self.options
        return options["learning_rate"] * (1 - (1 - options["final_learning_rate"]) * number / self.total), 0.0

    def end(self, epoch: int) -> None:
        pass

    def state(self) -> dict:
        return {"vectors": self.vectors}

    def load(self, state: dict) -> None:
        self.vectors = state["vectors"]

    def result(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """What is left when it is done: the weights, and what the trainer should know of the training."""
        return {name: p.detach() for name, p in self.model.named_parameters()}, {"examples": str(self.examples)}

    def _user_inputs(self, users, history, rows, cold=None, dropout=(None, 0, 0)) -> dict[str, Tensor]:
        values, offsets = history
        decay, most = self.inputs["history_decay"], self.inputs["history_length"]
        seen, lengths = pooled(offsets, values, rows, self.vectors, decay, most)
        if cold is not None:
            seen = seen * ~cold[:, None]
            lengths = lengths * ~cold
        people, starts = self.followed
        followed, _ = pooled(starts, people, users, self.vectors, 1.0, 2**31)
        numbers = torch.stack([torch.log1p(lengths.float()), (lengths > 0).float()], 1)
        return {
            **self.user_bags.look_up(users, *dropout),
            "ids": users,
            "kept": torch.arange(len(users)),
            "history": seen,
            "followed": followed,
            "numbers": numbers,
            **self._own_vectors("user", users),
        }

    def _post_inputs(self, posts: Tensor, dropout=(None, 0, 0)) -> dict[str, Tensor]:
        return {
            **self.post_bags.look_up(posts, *dropout),
            "ids": posts,
            "kept": torch.arange(len(posts)),
            "numbers": self.post_numbers[posts],
            **self._own_vectors("post", posts),
        }

    def _own_vectors(self, side: str, ids: Tensor) -> dict[str, Tensor]:
        return {"text_vector": self.own[side][ids]} if side in self.own else {}

    def _on_device(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: values.to(self.device) for name, values in inputs.items()}


def vector_mask(rows: int, options: dict, inputs: dict, chance: torch.Generator) -> Tensor:
    """What of each vector is left out before it is normalised: 0, or 1 / (1 − dropout)."""
    rate = options["vector_dropout"]
    return (torch.rand(rows, inputs["dimensions"], generator=chance) >= rate).float() / (1 - rate)


def vectors_of(rows_of: Table, width: int) -> Tensor:
    """What a tower is told of each post's or user's own vector, [rows, 65]: its components and a 1, or zeros where there is none."""
    values, offsets = rows_of.read(["vector"])["vector"]
    found = torch.nonzero(torch.tensor(offsets[1:] > offsets[:-1])).flatten()
    rows = torch.zeros(len(offsets) - 1, width)
    rows[found] = torch.cat([torch.tensor(values).reshape(len(found), width - 1), torch.ones(len(found), 1)], 1)
    return rows


def in_columns(of_ranks: Tensor, rows: int) -> Tensor:
    """The columns of a batch out of [ranks, rows + uniform negatives, …]: first the positives of all ranks, then the others."""
    return torch.cat([of_ranks[:, :rows].flatten(0, 1), of_ranks[:, rows:].flatten(0, 1)])
