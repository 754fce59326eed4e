import { z } from "zod";

/** Hyperparameters under one name; what is left out has its default, and a name that is not among them is refused. */
export function group<Shape extends z.ZodRawShape>(shape: Shape, reason: string) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .describe(reason);
}

/** A whole number that counts something, at most `most`. */
export const count = (most: number, least = 1) => z.int().min(least).max(most);
/** How often something is left out: 0 never; always would leave nothing. */
export const dropoutRate = () => z.number().min(0).max(0.95);
/** A part of a whole, from none to all of it. */
export const share = () => z.number().min(0).max(1);
/** Of Adam; more than 1 moves every weight by more than it is long. */
export const learningRate = () => z.number().positive().max(1);
/** A number above 0. */
export const positive = () => z.number().positive();
