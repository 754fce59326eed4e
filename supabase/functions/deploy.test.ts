/** What `supabase functions deploy` uploads: the real CLI against a fake platform API. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { init, servedFunctions } from "../../adopt/init/init.ts";
import { pickCases } from "../../testing/courses.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = join(root, "node_modules/.bin");

/** Every folder with an index.ts is a function; those that begin with an underscore are shared. */
const names = globSync("[a-z]*/index.ts", { cwd: join(root, "supabase/functions") }).map(dirname);

test("there are functions to deploy", () => assert.ok(names.includes("recommend")));

for (const name of pickCases(names))
  test(`the CLI deploys ${name} with all that it imports, its import map and lock file, and no platform check of tokens`, async (t) => {
    const folder = await emptyFolder(t);
    await cp(join(root, "supabase/functions"), join(folder, "supabase/functions"), { recursive: true });
    await cp(join(root, "supabase/config.toml"), join(folder, "supabase/config.toml"));
    await deployed(t, name, folder, "supabase/functions");
  });

for (const name of pickCases(servedFunctions))
  test(`and ${name} from an app's folder, where \`recsys init\` put it`, async (t) => {
    const folder = await emptyFolder(t);
    await mkdir(join(folder, "supabase"));
    await writeFile(join(folder, "supabase/config.toml"), 'project_id = "app"\n');
    await init(folder);
    await deployed(t, name, folder, "supabase/functions/_recsys");
  });

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-deploy-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** `functions`: their path in `folder`. */
async function deployed(t: TestContext, name: string, folder: string, functions: string): Promise<void> {
  let upload = "";
  const api = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method === "POST") upload = Buffer.concat(chunks).toString();
    const body = { id: "1", slug: name, name, status: "ACTIVE", version: 1, verify_jwt: false };
    response.writeHead(request.method === "POST" ? 201 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(request.method === "POST" ? { ...body, created_at: 1, updated_at: 1 } : []));
  });
  await new Promise<void>((listening) => api.listen(0, "127.0.0.1", listening));
  t.after(() => api.close());
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const profile = join(folder, "profile.yml");
  const keys = ["api_url", "dashboard_url", "docs_url"].map((key) => `${key}: ${url}\n`).join("");
  await writeFile(profile, `name: local\n${keys}project_host: localhost\n`);

  const project = ["--project-ref", "abcdefghijklmnopqrst", "--profile", profile, "--workdir", folder];
  await run(join(bin, "supabase"), ["functions", "deploy", name, "--use-api", ...project], {
    // not a real token: the fake API accepts any
    env: { PATH: process.env.PATH, HOME: folder, SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`, DO_NOT_TRACK: "1" },
  });
  const sent = [...upload.matchAll(/filename="([^"]+)"/g)].map(([, name]) => name).sort();
  const index = `${functions}/${name}/index.ts`;
  const needed = (await importsOf(name)).map((file) => file.replace("supabase/functions", functions));
  assert.ok(needed.includes(index));
  assert.deepEqual(sent, [...needed, `${functions}/deno.json`, `${functions}/deno.lock`].sort());
  const metadata = JSON.parse(/\{"entrypoint_path".*\}/.exec(upload)?.[0] ?? "{}");
  assert.deepEqual(
    [metadata.entrypoint_path, metadata.import_map_path, metadata.verify_jwt],
    [index, `${functions}/deno.json`, false],
  );
}

const imports = new Map<string, string[]>();

/** The files of the repository that a function imports. */
async function importsOf(name: string): Promise<string[]> {
  const known = imports.get(name);
  if (known) return known;
  const source = `supabase/functions/${name}/index.ts`;
  const { stdout } = await run(join(bin, "deno"), ["info", "--json", "--config", "deno.json", source], { cwd: root });
  const files = (JSON.parse(stdout).modules as { specifier: string }[])
    .map(({ specifier }) => specifier)
    .filter((specifier) => specifier.startsWith("file:") && !specifier.includes("/node_modules/"))
    .map((specifier) => fileURLToPath(specifier).slice(root.length));
  imports.set(name, files);
  return files;
}
