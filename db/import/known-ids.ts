import { BundleError } from "../bundle/bundle-error.ts";
import { type ExternalKind, externalUuid } from "./external-id.ts";

/** The users or posts of a bundle by external id: what later lines may refer to. Memory grows with users and posts only. */
export class KnownIds {
  readonly #kind: ExternalKind;
  readonly #uuids = new Map<string, string>();

  constructor(kind: ExternalKind) {
    this.#kind = kind;
  }

  /** Notes the id of a new row and gives its uuid. @throws BundleError when the bundle has it already */
  add(id: string, file: string, line: number): string {
    if (this.#uuids.has(id)) throw new BundleError(file, line, `duplicate ${this.#kind} id ${JSON.stringify(id)}`);
    const uuid = externalUuid(this.#kind, id);
    this.#uuids.set(id, uuid);
    return uuid;
  }

  /** The uuid of a row that came before. @throws BundleError when there was none */
  find(id: string, file: string, line: number): string {
    const uuid = this.#uuids.get(id);
    if (uuid === undefined) throw new BundleError(file, line, `unknown ${this.#kind} ${JSON.stringify(id)}`);
    return uuid;
  }
}
