import { AppError } from "./errors.ts";

/** A batch of events is nested 3 deep; nothing that a function reads is nested more than twice that. */
const deepest = 6;

/** The JSON of a body. @throws AppError 400 */
export function parseJson(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AppError(400, "malformed_json", "the body is not JSON");
  }
  // what walks through a value later may do so by recursion
  if (!isAtMost(deepest, parsed))
    throw new AppError(400, "invalid_body", `the body is nested more than ${deepest} deep`);
  return parsed;
}

function isAtMost(depth: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((part) => isAtMost(depth - 1, part));
}
