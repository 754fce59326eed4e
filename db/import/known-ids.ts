import { createHash } from "node:crypto";
import { BundleError } from "../bundle/open-bundle.ts";

/** The users or posts of a bundle by external id: what later lines may refer to. Memory grows with users and posts only. */
export class KnownIds {
  readonly #kind: ExternalKind;
  readonly #uuids = new Map<string, string>();

  constructor(kind: ExternalKind) {
    this.#kind = kind;
  }

  /** Notes the ids of new rows, which are on these lines, and gives their uuids. @throws BundleError when the bundle has one already */
  add(ids: string[], lines: number[], file: string): string[] {
    return ids.map((id, i) => {
      if (this.#uuids.has(id))
        throw new BundleError(file, lines[i], `duplicate ${this.#kind} id ${JSON.stringify(id)}`);
      const uuid = externalUuid(this.#kind, id);
      this.#uuids.set(id, uuid);
      return uuid;
    });
  }

  /** The uuids of rows that came before; of null, null. @throws BundleError when there was none */
  find<Id extends string | null>(ids: Id[], lines: number[], file: string): Id[] {
    return ids.map((id, i) => {
      const uuid = id === null ? null : this.#uuids.get(id);
      if (uuid === undefined) throw new BundleError(file, lines[i], `unknown ${this.#kind} ${JSON.stringify(id)}`);
      return uuid as Id;
    });
  }
}

/** The namespace of our uuids (RFC 9562, version 5). Never change it: an import would no longer recognise its own rows. */
const namespace = Buffer.from("6f1f6a7e0c0b4b6d9a5b3c1d2e4f5a60", "hex");

/** The kinds of things that a bundle's ids name; the same id names a different thing in each kind. */
type ExternalKind = "user" | "post" | "project" | "request";

/** The uuid of an external id, always the same one: `externalUuid("user", "42")`. */
export function externalUuid(kind: ExternalKind, id: string): string {
  const hash = createHash("sha1").update(namespace).update(`${kind}:${id}`, "utf8").digest().subarray(0, 16);
  hash[6] = (hash[6] & 0x0f) | 0x50;
  hash[8] = (hash[8] & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
