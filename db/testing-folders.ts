/** For tests of embedded databases: folders, and what happens there in the end. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "./testing.ts";

/** A folder that is removed when the scope is over. */
export async function newFolder(t: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-embedded-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Fails where something does not hold within 15 s. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`${what}: not within 15 s`);
}
