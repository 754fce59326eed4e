import type * as z from "zod";
import { AppError } from "./errors.ts";

/** A name is mostly misspelt, so it is named beside those that there are; what is no name is not repeated. `place`: where it was given. */
export function unknownField(
  { keys: [name] }: z.core.$ZodIssueUnrecognizedKeys,
  place: string,
  known: object,
): AppError {
  const named = /^[A-Za-z_]{1,40}$/.test(name) ? `no field ${name}` : "a field that there is not";
  const names = Object.keys(known);
  const all = names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return new AppError(400, "unknown_field", `${place} has ${named}: it may have ${all}`);
}
