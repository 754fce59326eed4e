/** `GET /openapi`: what all functions take and answer, as an OpenAPI 3.1 document. */
import type { PublicFunction } from "../_shared/http/edge-function.ts";
import { openApiDocument } from "./document.ts";

let document: object | undefined;

export const openapiFunction: PublicFunction<void> = {
  name: "openapi",
  callers: "anyone",
  maximumBodyBytes: 1024,
  read: { GET: () => undefined },
  async answer() {
    document ??= openApiDocument();
    return document;
  },
};
