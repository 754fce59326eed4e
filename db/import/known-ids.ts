import { createHash } from "node:crypto";
import { BundleError } from "../bundle/open-bundle.ts";
import type { FollowRecord, ImpressionRecord } from "../bundle/records.ts";

/** The users or posts of a bundle by external id: what later lines may refer to. Memory grows with users and posts only. */
export class KnownIds {
  readonly #kind: ExternalKind;
  readonly #uuids = new Map<string, string>();

  constructor(kind: ExternalKind) {
    this.#kind = kind;
  }

  /** Notes the ids of new rows, which are on these lines, and gives their uuids. @throws BundleError when the bundle has one already */
  add(records: { id: string }[], lines: number[], file: string): { id: string[]; external_id: string[] } {
    const uuids = records.map(({ id }, i) => {
      if (this.#uuids.has(id))
        throw new BundleError(file, lines[i], `duplicate ${this.#kind} id ${JSON.stringify(id)}`);
      const uuid = externalUuid(this.#kind, id);
      this.#uuids.set(id, uuid);
      return uuid;
    });
    return { id: uuids, external_id: records.map(({ id }) => id) };
  }

  /** The uuids of rows that came before, which the records name in a column; of null, null. @throws BundleError when there was none */
  find<Column extends string>(
    column: Column,
    records: Record<Column, string | null>[],
    lines: number[],
    file: string,
  ): { [Name in Column]: (string | null)[] } {
    const uuids = records.map(({ [column]: id }, i) => {
      const uuid = id === null ? null : this.#uuids.get(id);
      if (uuid === undefined) throw new BundleError(file, lines[i], `unknown ${this.#kind} ${JSON.stringify(id)}`);
      return uuid;
    });
    return { [column]: uuids } as { [Name in Column]: (string | null)[] };
  }
}

/** The posts, or users, that a bundle has vectors for. */
export class KnownVectors<Column extends "post_id" | "user_id"> {
  readonly #column: Column;
  readonly #ids: KnownIds;
  readonly #known = new Set<string>();

  constructor(column: Column, ids: KnownIds) {
    this.#column = column;
    this.#ids = ids;
  }

  /** The uuids that the vectors belong to. @throws BundleError where one is unknown, or has a vector already */
  find(vectors: Record<Column, string>[], lines: number[], file: string): { [Name in Column]: (string | null)[] } {
    for (const [i, { [this.#column]: id }] of vectors.entries()) {
      if (this.#known.has(id))
        throw new BundleError(file, lines[i], `${this.#column.slice(0, -3)} ${JSON.stringify(id)} has two vectors`);
      this.#known.add(id);
    }
    return this.#ids.find(this.#column, vectors, lines, file);
  }
}

/** What the follows of a bundle are of, as the app's tables name it: people by their uuid, the rest as it is called. */
export class KnownFollows {
  readonly #users: KnownIds;
  readonly #known = new Set<string>();

  constructor(users: KnownIds) {
    this.#users = users;
  }

  /** @throws BundleError where a user is unknown, follows themselves, or follows the same twice */
  targetsOf(follows: FollowRecord[], lines: number[], file: string): string[] {
    const people = follows.map(({ kind, target_id }) => ({ person: kind === "person" ? target_id : null }));
    const { person } = this.#users.find("person", people, lines, file);
    return follows.map(({ user_id, kind, target_id }, i) => {
      const follow = JSON.stringify([user_id, kind, target_id]);
      const [who, whom] = [user_id, target_id].map((id) => JSON.stringify(id));
      if (kind === "person" && target_id === user_id)
        throw new BundleError(file, lines[i], `${who} follows themselves`);
      if (this.#known.has(follow)) throw new BundleError(file, lines[i], `${who} follows ${whom} twice`);
      this.#known.add(follow);
      return person[i] ?? target_id;
    });
  }
}

/** A request's impressions stand together, so most ids repeat the one before. */
export function requestUuids(impressions: ImpressionRecord[]): string[] {
  let [last, uuid] = ["", ""];
  return impressions.map(({ request_id }) => {
    if (request_id !== last) [last, uuid] = [request_id, externalUuid("request", request_id)];
    return uuid;
  });
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
