import { test } from "node:test";
import { adamStep, Weights } from "./adam.ts";
import { close } from "./testing.ts";

test("two Adam steps by hand", () => {
  const weights = new Weights(Float32Array.of(1));
  // step 1: mean 0.1 · 2 / 0.1 = 2 and square 0.001 · 4 / 0.001 = 4 without their bias, so the step is 0.1 · 2 / √4
  adamStep(weights, 0, Float32Array.of(2), 0, 1, 1, { learningRate: 0.1 });
  close(weights.values[0], 0.9);
  // step 2, gradient −1: mean (0.9 · 0.2 − 0.1) / 0.19, square (0.999 · 0.004 + 0.001) / 0.001999
  adamStep(weights, 0, Float32Array.of(-1), 0, 1, 2, { learningRate: 0.1 });
  close(weights.values[0], 0.9 - (0.1 * (0.08 / 0.19)) / Math.sqrt(0.004996 / 0.001999));
});

test("weight decay shrinks the value in addition to the step, not through the gradient", () => {
  const weights = new Weights(Float32Array.of(10));
  adamStep(weights, 0, Float32Array.of(0), 0, 1, 1, { learningRate: 0.1, weightDecay: 0.5 });
  close(weights.values[0], 9.5);
});

test("only the named stretch of values moves", () => {
  const weights = new Weights(Float32Array.of(1, 1, 1, 1));
  adamStep(weights, 1, Float32Array.of(9, 9, 3, -3), 2, 2, 1, { learningRate: 0.5 });
  for (const [i, expected] of [1, 0.5, 1.5, 1].entries()) close(weights.values[i], expected);
});
