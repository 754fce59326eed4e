#!/usr/bin/python3
"""
Trains a stage of an export: torchrun … cluster/train.py DIR/towers. It leaves weights.safetensors there, and while it trains a checkpoint, from which
the same command resumes. Read docs/cluster.md.
"""

import argparse
import json
import os
import signal
import time
from pathlib import Path

# what a step works out is small: more ranks use more cores, more threads wait for each other. Read when the libraries are loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import dlrm
import ranks
import towers
from adam import Adam
from examples import read_stage
from ranker_stage import RankerStage
from tower_stage import TowerStage

KINDS = {"towers": (TowerStage, towers.NAMES), "ranker": (RankerStage, dlrm.NAMES)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains a stage of an export of recsys.")
    parser.add_argument("folder", type=Path, nargs="+", help="stages: DIR/towers; later DIR/ranker DIR/fine-tuning")
    parser.add_argument("--batch", type=int, help="examples of a step over all ranks (default: as the stage says)")
    parser.add_argument("--lanes", type=int, help="parts of the data (default: one a rank); ranks must divide them")
    parser.add_argument("--checkpoint", type=int, default=200, metavar="STEPS", help="steps between checkpoints")
    parser.add_argument("--steps", type=int, help="end after as many steps: to try, or to measure")
    parser.add_argument("--device", default="", help="cpu or cuda (default: cuda where there is one)")
    options = parser.parse_args()
    stages = [(folder, read_stage(folder)) for folder in options.folder]
    for folder, stage in stages:
        for name in stage["weights"]:
            if name not in KINDS[stage["kind"]][1]:
                raise SystemExit(f"{folder} has weights named {name}, which this cluster/ does not know: take that of the version that exported")
    device = ranks.start(options.device)
    for folder, stage in stages:
        for start, weights in starts_of(stage):
            train(options, folder, stage, start, weights, device)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def starts_of(stage: dict) -> list[tuple[str, str]]:
    """Where weights come from and where they go, without endings, within the folder."""
    if "from" in stage:
        return [(f"../{stage['from']}", "weights")]
    return [(name, name.replace("start", "weights", 1)) for name in stage["starts"]]


def load(path: Path, shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """Weights of a file; those that it leaves out are zero."""
    if not path.exists():
        raise SystemExit(f"there is no {path}: train the stage before this one, or export again")
    with safe_open(str(path), "pt") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}
    for name, shape in shapes.items():
        if name in found and list(found[name].shape) != shape:
            raise SystemExit(f"{path} has {name} of shape {list(found[name].shape)}, not {shape}: export again")
    return {name: found.get(name, torch.zeros(shape)) for name, shape in shapes.items()}


def train(options: argparse.Namespace, folder: Path, stage: dict, start: str, target: str, device: torch.device) -> None:
    """Takes the weights of a start through all steps, or those of a checkpoint through what is left of them."""
    if (folder / f"{target}.safetensors").exists():
        say(f"{folder / target}.safetensors is trained already: remove it to train again")
        return
    kept = folder / f"{target}.checkpoint"
    checkpoint = torch.load(kept, weights_only=True, map_location="cpu") if kept.exists() else None
    if checkpoint and checkpoint["identity"] != stage["identity"]:
        raise SystemExit(f"{kept} is of another export: remove it to train from the start")
    lanes = checkpoint["lanes"] if checkpoint else options.lanes or ranks.count()
    batch = checkpoint["batch"] if checkpoint else options.batch or stage["options"]["batch"]
    weights = load(folder / f"{start}.safetensors", stage["weights"])
    if start.endswith("-without-post-ids"):
        stage = {**stage, "options": {**stage["options"], "post_id_embedding_dropout": 1.0}}
    run = KINDS[stage["kind"]][0](folder, stage, weights, device, batch, lanes)
    dense = dict(run.model.named_parameters())
    adam = Adam(dense)
    before, number, losses = 0, 0, []
    earlier = folder / f"{start}.optimiser"
    if "from" in stage and earlier.exists():
        state = torch.load(earlier, weights_only=True, map_location="cpu")
        adam.load(state["adam"])
        before = state["steps"]
    if checkpoint:
        number, losses = checkpoint["number"], checkpoint["losses"]
        with torch.no_grad():
            for name, parameter in dense.items():
                parameter.copy_(checkpoint["weights"][name])
        adam.load(checkpoint["adam"])
        run.load(checkpoint["state"])
        say(f"resumes at step {number} of {run.total}")
    per_epoch = run.lanes.steps
    total = min(run.total, options.steps or run.total)
    began, first, stop = time.monotonic(), number, Stop()
    while number < total:
        epoch, step = divmod(number, per_epoch)
        if step == 0 or number == first:
            run.begin(epoch)
        if step == 0:
            run.refresh()
            losses.append(0.0)
        run.model.zero_grad(set_to_none=True)
        loss = run.loss(step, number)
        if not bool(torch.isfinite(loss)):
            raise SystemExit(f"the loss is {float(loss)} at step {number + 1}: lower the learning rate in the config and export again")
        loss.backward()
        rate, decay = run.rate(number)
        number += 1
        adam.step(ranks.gradients_of(run.model, run.tables), before + number, rate, decay, run.slower)
        # whoever was asked to stop asks all: they end after the same step
        said = ranks.summed(torch.tensor([float(loss.detach()) / ranks.count(), stop.heard], device=device))
        losses[-1] += float(said[0]) / per_epoch
        stops = bool(said[1] > 0)
        if step + 1 == per_epoch:
            run.end(epoch)
            say(f"epoch {epoch + 1} of {run.options['epochs']}: loss {losses[-1]:.4f}")
        if number % options.checkpoint == 0 or stops:
            how = {"identity": stage["identity"], "lanes": lanes, "batch": batch}
            values = {name: p.detach() for name, p in dense.items()}
            save(kept, {**how, "number": number, "losses": losses, "weights": values, "adam": adam.state(), "state": run.state()})
            if stops:
                raise SystemExit(f"stopped after step {number} of {run.total}: the same command resumes")
    seconds = time.monotonic() - began
    by = f"PyTorch {torch.__version__}, {ranks.count()} ranks, {device.type}"
    finish(folder / target, run, {**stage["identity"], "losses": json.dumps(losses), "steps": str(number), "trainer": by})
    save(folder / f"{target}.optimiser", {"adam": adam.state(), "steps": before + number})
    speed = (number - first) * run.lanes.batch / seconds if seconds > 0 else 0
    say(f"{folder / target}.safetensors: {number} steps, {speed:,.0f} examples a second")


def finish(path: Path, run: TowerStage | RankerStage, metadata: dict[str, str]) -> None:
    """Leaves the weights, whole or not at all, and no checkpoint any more."""
    found, more = run.result()
    if ranks.rank() == 0:
        tensors = {name: values.cpu().contiguous() for name, values in found.items()}
        save_file(tensors, f"{path}.safetensors.partial", {**metadata, **more})
        os.replace(f"{path}.safetensors.partial", f"{path}.safetensors")
        Path(f"{path}.checkpoint").unlink(missing_ok=True)


class Stop:
    """Whether somebody asked this rank to stop: Ctrl-C, or the SIGTERM of a scheduler."""

    def __init__(self):
        self.heard = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: setattr(self, "heard", True))


def save(path: Path, state: dict) -> None:
    """By the first rank, whole or not at all: all have the same."""
    if ranks.rank() == 0:
        torch.save(state, f"{path}.partial")
        os.replace(f"{path}.partial", path)


def say(line: str) -> None:
    if ranks.rank() == 0:
        print(line, flush=True)


if __name__ == "__main__":
    main()
