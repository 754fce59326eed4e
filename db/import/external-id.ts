import { createHash } from "node:crypto";

/** The namespace of our uuids (RFC 9562, version 5). Never change it: an import would no longer recognise its own rows. */
const namespace = Buffer.from("6f1f6a7e0c0b4b6d9a5b3c1d2e4f5a60", "hex");

/** The kinds of things that a bundle's ids name; the same id names a different thing in each kind. */
export type ExternalKind = "user" | "post" | "project" | "request";

/** The uuid of an external id, always the same one: `externalUuid("user", "42")`. */
export function externalUuid(kind: ExternalKind, id: string): string {
  const hash = createHash("sha1").update(namespace).update(`${kind}:${id}`, "utf8").digest().subarray(0, 16);
  hash[6] = (hash[6] & 0x0f) | 0x50;
  hash[8] = (hash[8] & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
