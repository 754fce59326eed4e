/** `GET /openapi`: what all functions take and answer, as an OpenAPI 3.1 document, which `npm run types` writes. */
import type { ServiceFunction } from "../_shared/http/edge-function.ts";
import document from "./document.json" with { type: "json" };

export const openapiFunction: ServiceFunction<void> = {
  name: "openapi",
  callers: "anyone",
  maximumBodyBytes: 1024,
  read: { GET: () => undefined },
  async answer() {
    return document;
  },
};
