/** For tests: the function inside Node, on a database of its own, called by people whose tokens need no keys. */

import { openPool } from "../_shared/database/pool.ts";
import type { Claims } from "../_shared/http/auth.ts";
import { AppError } from "../_shared/http/errors.ts";
import { loadRuntime, type RuntimeName } from "../_shared/models/inference.ts";
import { modelCache } from "../_shared/models/models.ts";
import type { Feed } from "../_shared/recommend/recommend.ts";
import { createApp } from "./app.ts";

export interface TestApp {
  /** Calls the function as a user; the body of a POST, or nothing for a GET. */
  call(userId: string, body?: unknown): Promise<{ status: number; body: Feed & { error?: { code: string } } }>;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** What the operator reads, and what runs after the answers. */
  logged: { code: string; cause: unknown }[];
  settled(): Promise<void>;
}

/** Any user id is a valid token here. `scope` closes the pool. */
export function testApp(
  scope: { after(clean: () => Promise<void>): void },
  url: string,
  runtime?: RuntimeName,
): TestApp {
  const logged: TestApp["logged"] = [];
  const background: Promise<void>[] = [];
  const log = (code: string, cause: unknown) => logged.push({ code, cause });
  const pool = openPool(url, (error) => log("connection_lost", error));
  scope.after(() => pool.end());
  const app = createApp({
    pool,
    verify: async (token): Promise<Claims> => {
      if (token.length !== 36) throw new AppError(401, "token_invalid", "the token is no user id");
      return { sub: token, role: "authenticated" };
    },
    models: modelCache(() => loadRuntime(runtime)),
    log,
    afterAnswer: (work) => background.push(work),
  });
  const request = async (path: string, init?: RequestInit) => await app.request(path, init);
  return {
    request,
    logged,
    async call(userId, body) {
      const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const response = await request("/recommend", { ...init, headers: { authorization: `Bearer ${userId}` } });
      return { status: response.status, body: (await response.json()) as Feed };
    },
    async settled() {
      await Promise.all(background);
    },
  };
}
