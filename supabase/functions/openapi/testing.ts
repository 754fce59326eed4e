/** For tests: whether an answer is as the OpenAPI document has it. */
import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { apiVersion, apiVersionHeader } from "../_shared/http/api.ts";
import openApi from "./document.json" with { type: "json" };

/** Closed: a field that the document does not have is a fault here, while an app passes over it. */
const document = JSON.parse(JSON.stringify(openApi), (_, value) =>
  value?.type === "object" && value.properties ? { additionalProperties: false, ...value } : value,
);
// the document is more than a schema
const ajv = new Ajv2020({ strict: false });
formats.default(ajv);
ajv.addSchema(document, "openapi");

/** Throws where the document has no such status or code for this path and method, or the body is of another form. */
export async function assertDocumented(path: string, method: string, response: Response): Promise<void> {
  // these have no body
  if (method === "OPTIONS" || method === "HEAD") return;
  const body = await response.json();
  assert.equal(response.headers.get(apiVersionHeader), apiVersion);
  const pathname = new URL(path, "http://localhost").pathname.replace(/\/$/, "");
  const answers = document.paths[pathname]?.[method.toLowerCase()]?.responses;
  if (answers?.[response.status]) {
    const place = [pathname.replaceAll("/", "~1"), method.toLowerCase(), "responses", response.status];
    assertValid(`openapi#/paths/${place.join("/")}/content/application~1json/schema`, body);
  } else {
    assertValid("openapi#/components/schemas/Failure", body);
    assert.ok(
      ["not_found", "method_not_allowed"].includes(body.error.code),
      `${method} ${path} has no ${body.error.code}`,
    );
  }
}

/** Throws unless the value is valid under the schema at this reference. */
export function assertValid(reference: string, value: unknown): void {
  const validate = ajv.getSchema(reference);
  assert.ok(validate, `there is no ${reference}`);
  assert.ok(validate(value), `${reference}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
}
