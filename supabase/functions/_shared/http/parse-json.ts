import { AppError } from "./errors.ts";

/** The JSON of a body. @throws AppError 400 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError(400, "malformed_json", "the body is not JSON");
  }
}
