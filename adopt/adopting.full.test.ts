/** docs/adopting.md, walked through as it stands: its migrations, commands, output and page. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { recsys as run } from "../cli/testing.ts";
import { withoutPostgres } from "../db/testing.ts";
import { startBrowser, withoutBrowser } from "../testing/browser.ts";
import { emptyDatabase, fillBlog, member } from "./testing-blog.ts";

const noPostgres = await withoutPostgres();

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "cli/cli.ts");
const text = await readFile(join(root, "docs/adopting.md"), "utf8");
// what comes after the walk is of other apps (adopt/people-without-accounts.test.ts)
const [walk] = text.split("\n## Apps unlike the blog\n");
const blocks = [...walk.matchAll(/```(\w*)\n(.*?)```/gs)].map(([, language, body]) => ({ language, body }));

test("docs/adopting.md", { skip: noPostgres }, async (t) => {
  // what was opened last is closed first
  const cleanings: (() => Promise<unknown>)[] = [];
  const after = (clean: () => Promise<unknown>) => void cleanings.unshift(clean);
  t.after(async () => {
    for (const clean of cleanings) await clean();
  });
  const { pool, url } = await emptyDatabase({ after });
  const folder = await mkdtemp(join(tmpdir(), "recsys-blog-"));
  after(() => rm(folder, { recursive: true }));
  const blog = join(folder, "blog");
  await mkdir(join(blog, "supabase/migrations"), { recursive: true });
  await writeFile(join(blog, "supabase/config.toml"), 'project_id = "blog"\n');
  await mkdir(join(blog, "web"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const port = await freePort();
  let printed = "";
  let token = "";
  let script = "";
  let page = "";

  const writePage = (script: string) => writeFile(join(blog, "web/page.ts"), script.replace("54321", String(port)));
  const push = async () => {
    await promisify(execFile)(
      join(root, "node_modules/.bin/supabase"),
      ["db", "push", "--db-url", `${url.split("?")[0]}?sslmode=disable`, "--yes", "--workdir", blog],
      { env: { ...process.env, SUPABASE_TELEMETRY_DISABLED: "1" }, timeout: 120_000 },
    );
  };
  const recsys = async (args: string[]) => {
    const { status, stdout, stderr } = await run(args, folder);
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.doesNotMatch(stderr, /as they were:/, "nothing fails on the way");
    printed = stdout;
  };
  /** The commands of the page, as a shell would run them in a checkout next to the folder `blog`. */
  const commands: [RegExp, (...parts: string[]) => Promise<void>][] = [
    [/^npx --no-install recsys init --into \.\.\/blog$/, () => recsys(["init", "--into", blog])],
    [/^npx supabase db push$/, push],
    [
      /^npx --no-install recsys (check|train|publish) --database "\$URL"$/,
      (command) => recsys([command, "--database", url]),
    ],
    [
      /^npx --no-install recsys serve --database "\$URL"$/,
      () =>
        start(process.execPath, [cli, "serve", "--database", url, "--port", String(port)], {
          cwd: folder,
          saysOn: "stdout",
          ready: "functions are served",
        }),
    ],
    [
      /^npx --no-install recsys token (\S+) --database "\$URL"$/,
      async (user) => {
        await recsys(["token", user, "--database", url, "--port", String(port)]);
        token = printed.trim();
      },
    ],
    [/^npx esbuild (.+ --servedir=web)$/, (args) => serveApp(args.split(" "))],
    // there is no project here; what is sent to one is in deploy.test.ts
    [/^npx supabase functions deploy$/, async () => {}],
  ];
  const languages: Record<string, (body: string) => Promise<void>> = {
    async sh(body) {
      for (const line of body.trim().split("\n")) {
        const [pattern, run] = commands.find(([pattern]) => pattern.test(line)) ?? assert.fail(`a command: ${line}`);
        await run(...((pattern.exec(line) as RegExpExecArray).slice(1) as string[]));
      }
    },
    async sql(body) {
      const name = /^-- supabase\/migrations\/(\S+)\.sql\n/.exec(body)?.[1] ?? assert.fail("a migration says its name");
      const migrations = join(blog, "supabase/migrations");
      const there = (await readdir(migrations)).sort();
      const file =
        there.find((file) => file.endsWith(name.replace("…", ""))) ??
        there.find((file) => file.endsWith(`${name.replace("…", "")}.sql`));
      const version = `${Number(there.at(-1)?.split("_")[0]) + 100}`;
      await writeFile(join(migrations, file ?? `${name.replace("…", version)}.sql`), body);
      if (there.length === 0) {
        // the app was there before, with its people and posts
        await push();
        await fillBlog(pool);
      }
    },
    async html(body) {
      await writeFile(join(blog, "web/index.html"), body);
    },
    async ts(body) {
      await writePage(body.replace("TOKEN", JSON.stringify(token)));
      script = body;
    },
    async ""(body) {
      assert.equal(printed, body);
    },
  };
  for (const { language, body } of blocks)
    await t.test(`${language} ${body.trim().split("\n")[0]}`, () =>
      (languages[language] ?? assert.fail(language))(body),
    );

  await t.test("a browser shows the feed, and in words why there is none", { skip: withoutBrowser }, async () => {
    const browser = await startBrowser();
    after(() => browser.close());
    const opened = await browser.newPage();
    await opened.goto(page);
    await opened.locator("#feed li").nth(4).waitFor();
    const items = await opened.locator("#feed li").allInnerTexts();
    assert.equal(items.length, 5);
    for (const item of items) assert.match(item, /^.+ \([a-z_]+\)$/);
    for (const link of await opened.locator("#feed a").all())
      assert.match((await link.getAttribute("href")) ?? "", /^\/posts\/\d+$/);
    await writePage(script.replace("TOKEN", '"of nobody"'));
    await opened.reload();
    await opened.getByText(/^token_invalid: /).waitFor();
    assert.equal(await opened.locator("#feed li").count(), 0);
  });

  await t.test(
    "what a member is shown are posts of all and of their own groups, none of them deleted",
    { skip: withoutBrowser },
    async () => {
      const shown = async () => {
        const { rows } = await pool.query(
          `select count(*)::int as shown, count(*) filter (where posts.deleted_at is not null or not (group_id is null or exists (
           select from blog.memberships where memberships.group_id = posts.group_id and memberships.member_id = $1
         )))::int as hidden
         from recsys.impressions join blog.posts on posts.recsys_id = impressions.post_id where user_id = $1`,
          [member(7)],
        );
        return rows;
      };
      // they are written after the answer
      for (let waited = 0; waited < 50 && (await shown())[0].shown === 0; waited++)
        await new Promise((over) => setTimeout(over, 100));
      assert.deepEqual(await shown(), [{ shown: 5, hidden: 0 }]);
    },
  );

  async function serveApp(args: string[]): Promise<void> {
    const appPort = await freePort();
    const esbuild = join(root, "node_modules/.bin/esbuild");
    await start(esbuild, [...args, `--serve=127.0.0.1:${appPort}`], { cwd: blog, saysOn: "stderr", ready: "Local:" });
    page = `http://127.0.0.1:${appPort}/`;
  }

  /** Starts a program that serves until the test is over; returns once it prints `ready`. */
  async function start(
    program: string,
    args: string[],
    { cwd, saysOn, ready }: { cwd: string; saysOn: "stdout" | "stderr"; ready: string },
  ): Promise<void> {
    // esbuild ends where its stdin does
    const child = spawn(program, args, { cwd, stdio: "pipe" });
    after(async () => {
      child.kill("SIGINT");
      await once(child, "exit");
    });
    if (saysOn === "stdout") child.stderr.pipe(process.stderr);
    for await (const line of createInterface(child[saysOn])) if (line.includes(ready)) return;
    assert.fail(`${program} serves`);
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
