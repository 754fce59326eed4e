/** A program that has nothing else to do ends, though events wait that cannot be sent. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = `
  const { createClient } = await import("@supabase/supabase-js");
  const { recsys } = await import("./client/src/index.ts");
  const accessToken = async () => "a." + btoa(JSON.stringify({ sub: "0000000a-0000-4000-8000-000000000001" })) + ".c";
  const recommender = recsys(createClient("http://127.0.0.1:9", "key", { accessToken }), { accessToken });
  void recommender.track({ type: "login" });
  await recommender.flush().catch(({ code }) => console.log(code));`;

const cwd = fileURLToPath(new URL("..", import.meta.url));
for (const [runtime, ...options] of [
  ["node", "--input-type=module", "--eval", program],
  ["deno", "eval", "--no-lock", program],
])
  test(`of ${runtime}`, async () => {
    const { stdout } = await promisify(execFile)(`${cwd}node_modules/.bin/${runtime}`, options, {
      cwd,
      timeout: 60_000,
    });
    assert.equal(stdout, "unreachable\n");
  });
