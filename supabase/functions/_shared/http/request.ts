/**
 * Validation of requests by schemas. Each field has a type, a description, and in `refusal` the error message for an
 * invalid value. The OpenAPI document uses the same schemas.
 */
import * as z from "zod";
import { AppError } from "./errors.ts";

/** Maximum nesting depth: a batch of events, the deepest request, has a depth of 3. */
const deepest = 6;

/** Parses a JSON body. @throws AppError 400 */
export function parseJson(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AppError(400, "malformed_json", "the body is not JSON");
  }
  // limits the depth because later code may recurse
  if (!isAtMost(deepest, parsed))
    throw new AppError(400, "invalid_body", `the body is nested more than ${deepest} deep`);
  return parsed;
}

function isAtMost(depth: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((part) => isAtMost(depth - 1, part));
}

/**
 * Validates a request. Unknown fields are rejected, since most are typos. A null in an optional field counts as left
 * out, for clients in languages without undefined. @throws AppError 400
 */
export function requestOf<Schema extends z.ZodObject>(
  schema: Schema,
  sent: unknown,
  place = "the body",
): z.output<Schema> {
  const known = withoutNulls(schema, sent);
  const result = schema.safeParse(known);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [name] = issue.path;
  const field = name === undefined ? undefined : (schema.shape[String(name)] as z.ZodType);
  if (issue.code === "unrecognized_keys")
    throw field ? unknownField(issue, `the ${String(name)}`, field) : unknownField(issue, place, schema);
  const isMissing =
    issue.code === "invalid_type" && (known as Record<string, unknown> | null)?.[String(name)] === undefined;
  const refusal = field && !isMissing && refusalAt(field, issue.path.slice(1));
  if (refusal) throw new AppError(400, `invalid_${String(name)}`, `${partOf(issue.path)}${refusal}`);
  const [example] = (schema.meta()?.examples ?? [{}]) as [object];
  throw new AppError(
    400,
    "invalid_body",
    `the body must be a JSON object such as ${JSON.stringify(example, null, 1).replaceAll(/\s+/g, " ")}`,
  );
}

/** Removes optional fields that are null, at every depth. */
export function withoutNulls(schema: z.ZodType, sent: unknown): unknown {
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) return sent;
  // a record's entries are removed if null; the caller checks which are required
  if (given(schema) instanceof z.ZodRecord)
    return Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null));
  const fields = fieldsOf(schema, sent);
  if (!fields) return sent;
  const kept = Object.entries(sent).flatMap(([name, value]): [string, unknown][] => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) return [[name, value]];
    return value === null && field.safeParse(undefined).success ? [] : [[name, withoutNulls(field, value)]];
  });
  return Object.fromEntries(kept);
}

/** The declared fields of an object; undefined if the schema declares none. */
function fieldsOf(schema: z.ZodType, sent: object): Record<string, z.ZodType> | undefined {
  if (schema instanceof z.ZodObject) return schema.shape;
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const options = schema.options as unknown as z.ZodObject[];
    const key = schema.def.discriminator;
    return options.find(({ shape }) => shape[key].safeParse((sent as Record<string, unknown>)[key]).success)?.shape;
  }
  const inner = given(schema);
  return inner === schema ? undefined : fieldsOf(inner, sent);
}

/** The error codes of the fields that have a `refusal`. */
export function invalidCodes(schema: z.ZodObject): string[] {
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>);
  return fields.filter(([, field]) => refusalOf(field) !== undefined).map(([name]) => `invalid_${name}`);
}

/** The error message for an invalid part of a field: the part's own, or else the field's. */
function refusalAt(field: z.ZodType, path: readonly PropertyKey[]): string | undefined {
  const inner = given(field);
  const part = inner instanceof z.ZodObject ? (inner.shape[String(path[0])] as z.ZodType | undefined) : undefined;
  return (part && refusalAt(part, path.slice(1))) ?? refusalOf(field);
}

/** A prefix such as `filter.tags[3]: ` if only a part of a field is invalid. */
function partOf([name, ...path]: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`));
  return path.length === 0 ? "" : `${String(name)}${steps.join("")}: `;
}

function refusalOf(field: z.ZodType): string | undefined {
  return (field.meta()?.refusal ?? given(field).meta()?.refusal) as string | undefined;
}

/** The schema inside an optional or default wrapper. */
function given(field: z.ZodType): z.ZodType {
  return field instanceof z.ZodOptional || field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : field;
}

/** The error for an unknown field: it lists the known ones, and repeats the sent name only if it looks like a name. */
function unknownField({ keys: [name] }: z.core.$ZodIssueUnrecognizedKeys, place: string, of: z.ZodType): AppError {
  return new AppError(400, "unknown_field", aboutUnknown(name, place, Object.keys((given(of) as z.ZodObject).shape)));
}

/** An error message that names an unknown field and lists the known ones. */
export function aboutUnknown(name: string, place: string, names: readonly string[]): string {
  const named = /^[A-Za-z_]{1,40}$/.test(name) ? `no field ${name}` : "a field that there is not";
  const all = names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return `${place} has ${named}: it may have ${all}`;
}

/** The field `limit`: the maximum number of results; `usual` is its default. */
export function limitField(most: number, usual: number, description: string) {
  const refusal = `limit must be a whole number from 1 to ${most}`;
  return z.int().min(1).max(most).default(usual).meta({ description, refusal });
}
