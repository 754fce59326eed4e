"""For tests: what PyTorch says of batches that the trainer in TypeScript has been through, with the same weights and the same draws of chance."""

import json
import sys
from pathlib import Path

from train import load

import torch
from safetensors.torch import save_file

from dlrm import dlrm_loss
from examples import read_stage
from ranker_stage import RankerStage
from tower_stage import TowerStage


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.to_dense() for name, p in model.named_parameters() if p.grad is not None}


def of_towers(folder: Path, asked: dict) -> dict[str, torch.Tensor]:
    stage = read_stage(folder)
    weights = load(folder / f"{asked['weights']}.safetensors", stage["weights"])
    run = TowerStage(folder, stage, weights, torch.device("cpu"), len(asked["rows"]), 1)
    run.refresh()
    run.uniform = len(asked["uniform"])
    drawn = {name: torch.tensor(asked[name]) for name in ("uniform", "cold", "keep_users", "keep_posts", "vectorless", "vectorless_users")}
    for side in ("user_mask", "post_mask"):
        drawn[side] = torch.tensor(asked[side]).reshape(-1, stage["inputs"]["dimensions"])
    loss = run.loss_of(torch.tensor(asked["rows"]), {**drawn, "seed": asked["seed"]})
    loss.backward()
    rows = torch.tensor(asked["rows"])
    return {
        "loss": loss.detach()[None],
        **gradients(run.model),
        "post_vectors": run.vectors,
        "user_vectors": run.model.embed_users(run._user_inputs(run.users[rows], run.history, rows)).detach(),
    }


def of_ranker(folder: Path, asked: dict) -> dict[str, torch.Tensor]:
    stage = read_stage(folder)
    weights = load(folder / f"{asked['weights']}.safetensors", stage["weights"])
    run = RankerStage(folder, stage, weights, torch.device("cpu"), 1, 1)
    inputs = run.inputs_of(torch.tensor(asked["requests"]))
    # as serving has them: each row stands for itself, and for the first place
    each = inputs["log_weight"].clamp(max=0)
    alone = {**inputs, "log_weight": each, "log_position": torch.zeros_like(inputs["log_position"])}
    with torch.no_grad():
        probabilities = torch.sigmoid(run.model(alone))
    for name, values in asked["masks"].items():
        inputs[name] = torch.tensor(values).reshape(len(asked["requests"]), 1, -1)
    loss = dlrm_loss(run.model(inputs), inputs, stage["inputs"], stage["options"]["head_weight"])
    loss.backward()
    return {"loss": loss.detach()[None], "probabilities": probabilities, **gradients(run.model)}


if __name__ == "__main__":
    export = Path(sys.argv[1])
    for name, asked in json.loads((export / "asked.json").read_text()).items():
        answer = {"towers": of_towers, "ranker": of_ranker}[read_stage(export / name)["kind"]]
        found = {key: value.contiguous() for key, value in answer(export / name, asked).items()}
        save_file(found, str(export / name / "answered.safetensors"), {})
