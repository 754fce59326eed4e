/** The code of README works on the real functions, for visitors and for signed-in users. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { testDatabase } from "../db/testing.ts";
import { startGateway } from "../serve/gateway.ts";
import { fillCommunity, people } from "./community.ts";

const { pool, url: databaseUrl } = await testDatabase({ after }, "readme");
await fillCommunity(pool);
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: () => undefined });
after(() => gateway.stop());

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = await readFile(join(root, "README.md"), "utf8");
const blocks = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code);

/** Runs the code, and `last` after it, with Node in the checkout, and returns its output. */
async function run(code: string, last: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code + last], {
    cwd: root,
  });
  return stdout;
}

test("code stands in the first ten lines of README, with a client and a feed", () => {
  const first = readme.split("\n").slice(0, 10).join("\n");
  assert.match(first, /```ts\n.*createClient\(.*invoke\("recommend".*\n```/s);
});

test("an existing app takes ten commands at most, from the package to a feed", () => {
  const [, section] = readme.split("## In an existing app");
  const [, block] = section.split(/```(?:sh)?\n/);
  const commands = block.split(/\n| && /).filter((line) => /^(npm|npx) /.test(line));
  const installed = commands.slice(commands.findIndex((line) => line.startsWith("npm install -D")));
  assert.match(installed[0], /^npm install -D .*\.tgz/);
  // the last is the call of the app that asks for the feed
  assert.ok(installed.length + 1 <= 10, `${installed.length + 1}: ${installed.join(", ")}`);
});

test("its code runs as it stands", async () => {
  const [first, second] = blocks.map((code) => code.replace("http://localhost:54321", gateway.url));

  const shown = await run(first, "");
  assert.match(shown, /^(Post \d+ \w+\n){20}$/);

  const votes = () => pool.query("select from public.post_votes where user_id = $1", [people.ada]);
  const before = (await votes()).rowCount ?? 0;
  const token = await gateway.tokenOf(people.ada);
  const signedIn = first.replace(/(createClient\(.*?)\)/, `$1, { accessToken: async () => "${token}" })`);
  const said = await run(`${signedIn}${second}`, "\nconsole.log(more.data.items.length, report.events[0].status)");
  assert.match(said, /\n\d+ stored\n$/);
  assert.equal((await votes()).rowCount, before + 1);
});
