"""Adam with decoupled weight decay, as trainer/models/nn/adam.ts has it: rows of a table that a step does not use are left alone, moments and all."""

import math

import torch

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    def __init__(self, parameters: dict[str, torch.nn.Parameter]):
        self.parameters = parameters
        self.mean = {name: torch.zeros_like(p) for name, p in parameters.items()}
        self.square = {name: torch.zeros_like(p) for name, p in parameters.items()}

    @torch.no_grad()
    def step(self, gradients: dict[str, torch.Tensor], number: int, rate: float, decay: float, slower: dict[str, float]) -> None:
        """
        The `number`-th step, from 1. A table's gradient is sparse: the sum of what its rows got. `slower`: shares of the rate, by name; the others learn
        at the whole of it.
        """
        corrected = math.sqrt(1 - _BETA2**number) / (1 - _BETA1**number)
        for name, gradient in gradients.items():
            own = rate * slower.get(name, 1)
            scaled, keep = own * corrected, 1 - own * decay
            values, mean, square = self.parameters[name], self.mean[name], self.square[name]
            rows = ...
            if gradient.is_sparse:
                gradient = gradient.coalesce()
                rows, gradient = gradient.indices()[0], gradient.values()
            m = _BETA1 * mean[rows] + (1 - _BETA1) * gradient
            s = _BETA2 * square[rows] + (1 - _BETA2) * gradient * gradient
            mean[rows], square[rows] = m, s
            values[rows] = keep * values[rows] - scaled * m / (s.sqrt() + _EPSILON)

    def state(self) -> dict:
        return {"mean": self.mean, "square": self.square}

    @torch.no_grad()
    def load(self, state: dict) -> None:
        for kind, moments in (("mean", self.mean), ("square", self.square)):
            for name, values in moments.items():
                values.copy_(state[kind][name])
