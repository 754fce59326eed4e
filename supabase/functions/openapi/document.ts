/** The OpenAPI 3.1 document of all functions, made from their schemas. */
import * as z from "zod";
import { type Api, apiVersion, apiVersionHeader, type Codes, requestIdHeader } from "../_shared/http/api.ts";
import { consoleApi } from "../console/api.ts";
import { embedApi } from "../embed/api.ts";
import { eventsApi } from "../events/api.ts";
import { ideasApi } from "../ideas/api.ts";
import { recommendApi } from "../recommend/api.ts";
import { similarApi } from "../similar/api.ts";
import { openapiApi } from "./api.ts";

export const apis: readonly Api[] = [recommendApi, eventsApi, similarApi, ideasApi, embedApi, consoleApi, openapiApi];

/** What every function's errors may be, beside its own. */
const codesOfAll: Codes = { 500: ["internal"], 503: ["overloaded"], 504: ["timeout"] };
const codesOfDatabase: Codes = {
  503: ["database_unavailable", "database_timeout", "not_installed", "unsafe_source_view"],
};
const codesOfPost: Codes = { 413: ["body_too_large"] };
const codesOfQuery: Codes = { 400: ["unknown_field"] };
const codesOfBody: Codes = { 400: ["malformed_json", "invalid_body", "unknown_field"] };
const codesOfCallers: Record<Api["callers"], Codes[]> = {
  users: [
    codesOfDatabase,
    {
      401: ["token_missing", "token_invalid", "token_expired", "token_audience", "token_issuer", "token_not_user"],
      429: ["too_many_requests"],
      503: ["keys_unavailable"],
    },
  ],
  service: [codesOfDatabase, { 401: ["key_missing", "key_invalid"] }],
  anyone: [],
};
/** Of paths and methods that are in no document. */
const codesElsewhere: Codes = { 404: ["not_found"], 405: ["method_not_allowed"] };

type Json = Record<string, unknown>;

const securityOf = { users: [{ accessToken: [] }], service: [{ secretKey: [] }], anyone: [] };
const visitorSecurity = { publishableKey: [] };

export function openApiDocument(): Json {
  const schemas = named();
  return {
    openapi: "3.1.1",
    info: {
      title: "recsys",
      version: apiVersion,
      description: `Each answer names this version in the header ${apiVersionHeader}. Fields, codes and functions may be added without another version.`,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/functions/v1" }],
    paths: Object.fromEntries(apis.map((api) => [`/${api.name}`, pathItem(api)])),
    components: {
      schemas: { ...schemas, ...errorSchemas() },
      headers: {
        ApiVersion: { description: "The version of the API.", required: true, schema: { const: apiVersion } },
        RequestId: {
          description: "Names the request in the functions' log: as the caller sent it, or made here.",
          required: true,
          schema: { type: "string" },
        },
        RetryAfter: { description: "Seconds after which to try again.", schema: { type: "integer", minimum: 0 } },
      },
      securitySchemes: {
        accessToken: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "Of the signed-in user; supabase-js sends it.",
        },
        publishableKey: {
          type: "apiKey",
          in: "header",
          name: "apikey",
          description: "A publishable key of the project, of a visitor who has not signed in; supabase-js sends it.",
        },
        secretKey: { type: "apiKey", in: "header", name: "apikey", description: "A secret key of the project." },
      },
    },
  };
}

function pathItem(api: Api): Json {
  const operations = Object.entries(api.requests).map(([method, request]) => [
    method.toLowerCase(),
    {
      operationId: method === "GET" && api.requests.POST !== undefined ? `${api.name}ByQuery` : api.name,
      summary: api.summary,
      security: [...securityOf[api.callers], ...(api.visitors ? [visitorSecurity] : [])],
      ...(request &&
        (method === "GET" ? { parameters: parametersOf(request as z.ZodObject) } : { requestBody: bodyOf(request) })),
      responses: {
        200: { description: "The answer.", headers: headersOf(200), ...json(schemaOf(api.answer)) },
        ...Object.fromEntries(
          Object.entries(codesOf(api, method)).map(([status, codes]) => [status, failure(status, codes)]),
        ),
      },
    },
  ]);
  return Object.fromEntries(operations);
}

function parametersOf(query: z.ZodObject): Json[] {
  return Object.entries<z.ZodType>(query.shape).map(([name, field]) => {
    const { description, ...schema } = schemaOf(field) as Json;
    return { name, in: "query", description, required: !field.safeParse(undefined).success, schema };
  });
}

function bodyOf(body: z.ZodType): Json {
  // where every field may be left out, so may the body
  return { required: !body.safeParse({}).success, ...json(schemaOf(body)) };
}

function failure(status: string, codes: readonly string[]): Json {
  const error = { properties: { error: { properties: { code: { enum: codes } } } } };
  return {
    description: codes.join(", "),
    headers: headersOf(Number(status)),
    ...json({ allOf: [{ $ref: "#/components/schemas/Failure" }, error] }),
  };
}

function headersOf(status: number): Json {
  const always = {
    [apiVersionHeader]: { $ref: "#/components/headers/ApiVersion" },
    [requestIdHeader]: { $ref: "#/components/headers/RequestId" },
  };
  return status === 429 || status === 503
    ? { ...always, "retry-after": { $ref: "#/components/headers/RetryAfter" } }
    : always;
}

const json = (schema: unknown) => ({ content: { "application/json": { schema } } });

/** The codes of one method's errors, by status. */
function codesOf(api: Api, method: string): Record<string, string[]> {
  const ofMethod =
    method === "POST"
      ? [...(api.requests.POST ? [codesOfBody] : []), codesOfPost]
      : api.requests.GET
        ? [codesOfQuery]
        : [];
  const merged: Record<string, string[]> = {};
  for (const codes of [...ofMethod, api.codes, codesOfAll, ...codesOfCallers[api.callers]])
    for (const [status, some] of Object.entries(codes)) merged[status] = [...(merged[status] ?? []), ...some];
  return merged;
}

function errorSchemas(): Json {
  const codes = [
    codesElsewhere,
    ...apis.flatMap((api) => Object.keys(api.requests).map((method) => codesOf(api, method))),
  ];
  return {
    ErrorCode: {
      type: "string",
      description: "Stable; there may be others later.",
      enum: [...new Set(codes.flatMap((each) => Object.values(each).flat()))],
    },
    Failure: {
      type: "object",
      description: "What went wrong.",
      properties: {
        error: {
          type: "object",
          properties: {
            code: { $ref: "#/components/schemas/ErrorCode" },
            message: { type: "string", description: "One line with the cure, for the app's developer." },
          },
          required: ["code", "message"],
        },
      },
      required: ["error"],
    },
  };
}

const pointer = (id: string) => `#/components/schemas/${id}`;

/** Objects stay open to fields that come later, as `input` has it; a format says more to a reader than its pattern. */
const options = {
  io: "input",
  uri: pointer,
  override({ jsonSchema }) {
    if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  },
} satisfies z.core.ToJSONSchemaParams & { uri: typeof pointer };

/** All schemas that have an id. */
function named(): Json {
  const { schemas } = z.toJSONSchema(z.globalRegistry, options);
  return Object.fromEntries(Object.entries(schemas).map(([id, { $id, $schema, ...schema }]) => [id, schema]));
}

function schemaOf(schema: z.ZodType): unknown {
  const id = schema.meta()?.id;
  if (id !== undefined) return { $ref: pointer(id) };
  const { $schema, $defs, ...rest } = z.toJSONSchema(schema, options);
  return $defs ? JSON.parse(JSON.stringify(rest).replaceAll("#/$defs/", pointer(""))) : rest;
}
