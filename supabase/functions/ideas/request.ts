/** How many ideas are wanted. */
import * as z from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";
import { unknownField } from "../_shared/http/unknown-field.ts";

export const ideasRequest = z
  .strictObject({ limit: z.int().min(1).max(10).default(10).describe("How many at most.") })
  .meta({ id: "IdeasRequest", description: "How many ideas for posts the caller wants." });

export type IdeasRequest = z.infer<typeof ideasRequest>;

/** From a JSON body. Unknown fields are refused: they are mostly misspelt ones. @throws AppError 400 */
export function requestOfBody(text: string): IdeasRequest {
  const result = ideasRequest.safeParse(parseJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys") throw unknownField(issue, "the body", ideasRequest.shape);
  if (issue.path[0] === "limit") throw new AppError(400, "invalid_limit", "limit must be a whole number from 1 to 10");
  throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"limit": 10}');
}
