/** The OpenAPI 3.1 document of all functions, made from their schemas. */

import * as z from "zod";
import { createDocument, type ZodOpenApiPathItemObject, type ZodOpenApiResponseObject } from "zod-openapi";
import manifest from "../package.json" with { type: "json" };
import {
  type Api,
  apiVersion,
  apiVersionHeader,
  type Codes,
  requestIdHeader,
} from "../supabase/functions/_shared/http/api.ts";
import { invalidCodes } from "../supabase/functions/_shared/http/request.ts";
import { consoleApi } from "../supabase/functions/console/api.ts";
import { embedApi } from "../supabase/functions/embed/api.ts";
import { eventsApi } from "../supabase/functions/events/api.ts";
import { ideasApi } from "../supabase/functions/ideas/api.ts";
import { openapiApi } from "../supabase/functions/openapi/api.ts";
import { recommendApi } from "../supabase/functions/recommend/api.ts";
import { similarApi } from "../supabase/functions/similar/api.ts";

export const apis: readonly Api[] = [recommendApi, eventsApi, similarApi, ideasApi, embedApi, consoleApi, openapiApi];

/** What every function's errors may be, besides its own. */
const codesOfAll: Codes = { 500: ["internal"], 429: ["overloaded"], 504: ["timeout"] };
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
const codesOfVisitors: Codes = { 401: ["key_invalid"] };
/** Of paths and methods that are in no document. */
const codesElsewhere: Codes = { 404: ["not_found"], 405: ["method_not_allowed"] };

const securityOf = { users: [{ accessToken: [] }], service: [{ secretKey: [] }], anyone: [] };
const visitorSecurity = { publishableKey: [] };

export function openApiDocument() {
  const codes = apis.flatMap((api) => Object.keys(api.requests).map((method) => codesOf(api, method)));
  const errorCode = z
    .enum([...new Set([codesElsewhere, ...codes].flatMap((each) => Object.values(each).flat()))])
    .meta({
      id: "ErrorCode",
      description: "Stable; there may be others later.",
    });
  const message = z.string().describe("One line with the cure, for the app's developer.");
  const failure = z
    .object({ error: z.object({ code: errorCode, message }) })
    .meta({ id: "Failure", description: "What went wrong." });
  const document = createDocument(
    {
      openapi: "3.1.1",
      info: {
        title: "recsys",
        version: apiVersion,
        "x-recsys-version": manifest.version,
        description: `Each answer names this version in the header ${apiVersionHeader}. Fields, codes and functions may be added without another version.`,
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/functions/v1" }],
      paths: Object.fromEntries(apis.map((api) => [`/${api.name}`, pathItem(api)])),
      components: {
        schemas: { failure },
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
    },
    {
      override({ jsonSchema, io }) {
        // a format says more to a reader than its pattern, and objects of answers stay open to fields that come later
        if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
        delete (jsonSchema as { refusal?: string }).refusal;
      },
    },
  );
  const schemas = document.components?.schemas as Record<string, Schema>;
  for (const { requests } of apis) if (requests.POST) admitNulls({ $ref: String(requests.POST.meta()?.id) }, schemas);
  return document;
}

/** A JSON schema, as far as it is looked into here. */
interface Schema {
  $ref?: string;
  description?: string;
  default?: unknown;
  type?: string | string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** Makes each optional field nullable in the request schemas and in all schemas that they refer to. */
function admitNulls(schema: Schema, schemas: Record<string, Schema>, seen = new Set<string>()): void {
  const name = schema.$ref?.split("/").at(-1);
  if (name !== undefined && !seen.has(name)) admitNulls(schemas[name], schemas, seen.add(name));
  const { properties = {}, required = [], anyOf = [], oneOf = [], items } = schema;
  for (const each of [...Object.values(properties), ...anyOf, ...oneOf, ...(items ? [items] : [])])
    admitNulls(each, schemas, seen);
  for (const [field, { description, default: usual, ...type }] of Object.entries(properties)) {
    if (required.includes(field) || [type.type].flat().includes("null")) continue;
    properties[field] = {
      anyOf: [type, { type: "null" }],
      ...(description !== undefined && { description }),
      ...(usual !== undefined && { default: usual }),
    };
  }
}

function pathItem(api: Api): ZodOpenApiPathItemObject {
  const operations = Object.entries(api.requests).map(([method, request]) => [
    method.toLowerCase(),
    {
      operationId: method === "GET" && api.requests.POST !== undefined ? `${api.name}ByQuery` : api.name,
      summary: api.summary,
      security: [...securityOf[api.callers], ...(api.visitors ? [visitorSecurity] : [])],
      ...(request && (method === "GET" ? { requestParams: { query: request } } : { requestBody: bodyOf(request) })),
      responses: {
        200: { description: "The answer.", headers: headersOf(200), ...json(api.answer) },
        ...Object.fromEntries(
          Object.entries(codesOf(api, method)).map(([status, codes]) => [status, failureOf(status, codes)]),
        ),
      },
    },
  ]);
  return Object.fromEntries(operations);
}

function bodyOf(body: z.ZodType) {
  // where every field may be left out, so may the body
  return { required: !body.safeParse({}).success, ...json(body) };
}

function failureOf(status: string, codes: readonly string[]): ZodOpenApiResponseObject {
  const error = { properties: { error: { properties: { code: { enum: [...codes] } } } } };
  return {
    description: codes.join(", "),
    headers: headersOf(Number(status)),
    ...json({ allOf: [{ $ref: "#/components/schemas/Failure" }, error] }),
  };
}

function headersOf(status: number) {
  const always = {
    [apiVersionHeader]: { $ref: "#/components/headers/ApiVersion" },
    [requestIdHeader]: { $ref: "#/components/headers/RequestId" },
  };
  return status === 429 || status === 503
    ? { ...always, "retry-after": { $ref: "#/components/headers/RetryAfter" } }
    : always;
}

const json = <Schema>(schema: Schema) => ({ content: { "application/json": { schema } } });

/** The codes of one method's errors, by status. */
function codesOf(api: Api, method: string): Record<string, string[]> {
  const { POST, GET } = api.requests;
  const request = method === "POST" ? POST : GET;
  const merged: Record<string, string[]> = {};
  for (const codes of [
    ...(request ? [method === "POST" ? codesOfBody : codesOfQuery, { 400: invalidCodes(request) }] : []),
    ...(method === "POST" ? [codesOfPost] : []),
    api.codes,
    ...(api.visitors ? [codesOfVisitors] : []),
    codesOfAll,
    ...codesOfCallers[api.callers],
  ])
    for (const [status, some] of Object.entries(codes))
      if (some.length > 0) merged[status] = [...(merged[status] ?? []), ...some];
  return merged;
}
