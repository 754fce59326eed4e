"""The ranks of a training: which part of the data is whose, and what they tell each other."""

import datetime
import os

import torch
import torch.distributed as dist


def start(device: str) -> torch.device:
    """Joins the other ranks, where torchrun started several; gives the device of this one."""
    found = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if found.type == "cuda":
        found = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(found)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        # a rank that is gone must not be waited for: torchrun ends the others, over several machines this does
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if found.type == "cuda" else "gloo", timeout=datetime.timedelta(minutes=10)
        )
    return found


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def gathered(own: torch.Tensor) -> torch.Tensor:
    """[ranks, …]: a tensor of each rank, all of one shape, without gradients."""
    if count() == 1:
        return own[None]
    parts = [torch.empty_like(own) for _ in range(count())]
    dist.all_gather(parts, own.contiguous())
    return torch.stack(parts)


class GatheredWithGradients(torch.autograd.Function):
    """The same with them: what all ranks' losses say of a rank's tensor comes back to it."""

    @staticmethod
    def forward(ctx, own):
        return gathered(own)

    @staticmethod
    def backward(ctx, gradient):
        if count() > 1:
            gradient = gradient.contiguous()
            dist.all_reduce(gradient)
        return gradient[rank()]


def summed(values: torch.Tensor) -> torch.Tensor:
    """The sum over all ranks."""
    if count() > 1:
        dist.all_reduce(values)
    return values


def mean_rows(gradient: torch.Tensor) -> torch.Tensor:
    """The mean over all ranks of a table's sparse gradient. Its rows are gathered as they are: NCCL reduces no sparse tensors."""
    if count() == 1:
        return gradient
    gradient = gradient.coalesce()
    rows, values = gradient.indices()[0], gradient.values()
    sizes = gathered(torch.tensor([len(rows)], device=rows.device)).flatten().tolist()
    most = max(sizes)
    padded_rows = torch.nn.functional.pad(rows, (0, most - len(rows)))
    padded_values = torch.nn.functional.pad(values, (0, 0, 0, most - len(rows)))
    all_rows, all_values = gathered(padded_rows), gathered(padded_values)
    kept_rows = torch.cat([all_rows[r, :size] for r, size in enumerate(sizes)])
    kept_values = torch.cat([all_values[r, :size] for r, size in enumerate(sizes)])
    return torch.sparse_coo_tensor(kept_rows[None], kept_values / count(), gradient.shape)


def gradients_of(model: torch.nn.Module, tables: list[str]) -> dict[str, torch.Tensor]:
    """Gradients by name, the same on all ranks: DistributedDataParallel has averaged the dense ones, and the tables' are averaged here."""
    return {
        name: mean_rows(p.grad) if name in tables else p.grad
        for name, p in model.named_parameters()
        if p.grad is not None
    }


def parallel(model: torch.nn.Module, tables: list[str]) -> torch.nn.Module:
    """The model as all ranks train it."""
    if count() == 1:
        return model
    from torch.nn.parallel import DistributedDataParallel

    # it asks by the path of the module, which is empty, and by the name alone
    ignored = [*tables, *(f".{name}" for name in tables)]
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(model, ignored)
    return DistributedDataParallel(model)


class Lanes:
    """
    The row groups of a table in lanes, of which each rank reads some: a batch takes as many rows of each lane. So which rows are trained on together
    follows from the number of lanes, not from that of ranks, and a training may go on with more or fewer of these.
    """

    def __init__(self, rows: list[int], lanes: int, batch: int, seed: int):
        if lanes % count():
            raise SystemExit(f"{lanes} lanes cannot be shared by {count()} ranks: resume with a number that divides them")
        if lanes > len(rows):
            raise SystemExit(f"there are {len(rows)} row groups, and so work for {len(rows)} ranks at most, not {lanes}")
        self.lanes, self.seed = lanes, seed
        self.share = max(1, batch // lanes)
        self.batch = self.share * lanes
        self.steps = -(-sum(rows) // self.batch)
        own = range(rank() * lanes // count(), (rank() + 1) * lanes // count())
        groups = [[g for g in range(len(rows)) if g % lanes == lane] for lane in own]
        self.own = own
        self.groups = [g for lane in groups for g in lane]
        sizes = [sum(rows[g] for g in lane) for lane in groups]
        self.starts = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
        self.kept: list[torch.Tensor] = [torch.arange(size) for size in sizes]
        self.orders: list[torch.Tensor] = []

    def keep(self, wanted: torch.Tensor) -> None:
        """Leaves out rows of this rank; [rows of `groups`] of bool."""
        self.kept = [
            torch.nonzero(wanted[self.starts[i] : self.starts[i + 1]]).flatten() for i in range(len(self.kept))
        ]
        total = summed(torch.tensor([sum(len(rows) for rows in self.kept)]))
        self.steps = -(-int(total) // self.batch)

    def begin(self, epoch: int) -> None:
        """Shuffles each lane for an epoch."""
        self.orders = []
        for i, lane in enumerate(self.own):
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch * 1009 + lane)
            self.orders.append(self.kept[i][torch.randperm(len(self.kept[i]), generator=generator)] + self.starts[i])

    def rows_of(self, step: int) -> torch.Tensor:
        """Rows of `groups` of a step of the epoch; a lane that ends sooner than others begins again."""
        at = torch.arange(step * self.share, (step + 1) * self.share)
        return torch.cat([order[at % len(order)] for order in self.orders])

    def slice_of(self, total: int) -> slice:
        """This rank's part of a batch's rows, or of others that all ranks share alike."""
        return slice(rank() * total // count(), (rank() + 1) * total // count())


def draws(seed: int, step: int) -> torch.Generator:
    """What chance says in a step: the same on all ranks, each of which takes its part."""
    return torch.Generator().manual_seed((seed + 1) * 7_368_787 + step)
