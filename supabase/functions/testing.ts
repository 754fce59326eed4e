/** For tests: runs a function in Node on a test database, with user ids as tokens. */
import { type ClosablePool, openPool } from "./_shared/database/pool.ts";
import { openReplica } from "./_shared/database/replica.ts";
import type { Encoders } from "./_shared/embed/encoders.ts";
import type { Claims, Verify } from "./_shared/http/auth.ts";
import { createApp, type EdgeFunction } from "./_shared/http/edge-function.ts";
import { AppError } from "./_shared/http/errors.ts";
import { createVersionWatcher } from "./_shared/http/schema-version.ts";
import { loadRuntime, type Runtime } from "./_shared/models/inference.ts";
import { modelCache } from "./_shared/models/models.ts";
import { openFeedServices, type RecommendServices } from "./_shared/plugins/feed-services.ts";
import { assertDocumented } from "./openapi/testing.ts";
import { beforeClose } from "./testing-cleanups.ts";

/** Secret key of the test project. */
export const secretKey = "sb_secret_test";
/** Publishable key of the test project. */
export const publishableKey = "sb_publishable_test";

export interface TestApp<Answer> {
  /** Calls the function as a user; the body of a POST, or nothing for a GET. */
  call(userId: string, body?: unknown): Promise<{ status: number; body: Answer & { error?: { code: string } } }>;
  /** The same as a visitor, who has not signed in. */
  visit(body?: unknown): Promise<{ status: number; body: Answer & { error?: { code: string } } }>;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Calls it as the host does, without checking the answer. */
  fetch(request: Request): Promise<Response>;
  /** The logged errors, and a promise of the work after answers. */
  logged: { code: string; cause: unknown }[];
  settled(): Promise<void>;
}

export interface TestOptions {
  runtime?: () => Promise<Runtime>;
  /** A replica of the database, as named by RECSYS_REPLICA_URL; `behind` as in `openReplica`. */
  replica?: { url: string; behind?: number };
  /** Whether every caller is an operator who previews a feed. */
  preview?: boolean;
  /** Further claims of a user's token. */
  claims?: (userId: string) => object;
  /** Left out: any user id is a valid token. */
  verify?: Verify;
  /** Left out: this host has none. */
  encoders?: Encoders;
  /** Opens a pool of its own, for a test of connections or of a new worker. */
  ownConnections?: boolean;
}

interface TestScope {
  after(clean: () => Promise<void>): void;
}

/** All services of all functions. */
export type TestServices = RecommendServices & { encoders: Encoders };

/**
 * Creates an app that checks every answer against the OpenAPI document. Apps on a
 * test file's database share connections.
 */
export function testFunction<Input, Answer>(
  scope: TestScope,
  url: string,
  edgeFunction: EdgeFunction<Input, TestServices>,
  options: TestOptions = {},
): TestApp<Answer> {
  const { runtime = loadRuntime, replica: read, preview = false, claims = () => ({}) } = options;
  const verifyId = async (token: string): Promise<Claims> => {
    if (token.length !== 36) throw new AppError(401, "token_invalid", "the token is no user id");
    return { sub: token, role: "authenticated", ...claims(token), ...(preview && { preview }) };
  };
  const logged: TestApp<Answer>["logged"] = [];
  const background: Promise<void>[] = [];
  const log = (code: string, cause: unknown) => logged.push({ code, cause });
  const pool = (!options.ownConnections && sharedPool(url, log)) || watchedPool(scope, url, log);
  // waits for background writes, so that the next test does not see them
  scope.after(async () => void (await Promise.allSettled(background)));
  const replica = read && openReplica(read.url, log, read.behind);
  if (replica) scope.after(() => replica.end());
  const app = createApp(edgeFunction, {
    ...openFeedServices(pool, modelCache(runtime), log, replica),
    encoders: options.encoders ?? (() => undefined),
    verify: options.verify ?? verifyId,
    secretKeys: [secretKey],
    publishableKeys: [publishableKey],
    origins: "*",
    keepAlive: (work) => background.push(work),
  });
  const request = async (path: string, init?: RequestInit) => {
    const response = await app.request(path, init);
    await assertDocumented(path, init?.method ?? "GET", response.clone());
    return response;
  };
  const send = async (headers: Record<string, string>, body: unknown) => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await request(`/${edgeFunction.name}`, { ...init, headers });
    return { status: response.status, body: await response.json() };
  };
  return {
    request,
    fetch: async (request) => await app.fetch(request),
    logged,
    call: (userId, body) => send({ authorization: `Bearer ${userId}` }, body),
    visit: (body) => send({ apikey: publishableKey }, body),
    async settled() {
      await Promise.all(background);
    },
  };
}

type LogOfTest = (code: string, cause: unknown) => void;

function watchedPool(scope: TestScope, url: string, log: LogOfTest): ClosablePool {
  const versions = createVersionWatcher((error) => log("other_version", error));
  const pool = openPool(url, (error) => log("connection_lost", error), {}, versions);
  scope.after(() => pool.end());
  return pool;
}

const sharedPools = new Map<string, { pool: ClosablePool; logs: LogOfTest[] }>();

/**
 * The pool that all apps on this database share until it closes, since planning a feed in a new session takes 0.1 s of
 * CPU time. Undefined if it is no test file's database.
 */
function sharedPool(url: string, log: LogOfTest): ClosablePool | undefined {
  const shared = sharedPools.get(url);
  shared?.logs.push(log);
  if (shared) return shared.pool;
  const ends: (() => Promise<void>)[] = [];
  const logs = [log];
  const isOpen = beforeClose(url, async () => {
    sharedPools.delete(url);
    for (const end of ends) await end();
  });
  if (!isOpen) return undefined;
  const pool = watchedPool({ after: (end) => ends.push(end) }, url, (...line) => {
    for (const each of logs) each(...line);
  });
  sharedPools.set(url, { pool, logs });
  return pool;
}
