/** The client as npm would publish it: its types, and that browsers need nothing else. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { clientTypes } from "./generate-types.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const readJson = async (path: string) => JSON.parse(await readFile(join(root, path), "utf8"));
const folder = await mkdtemp(join(tmpdir(), "recsys-client-"));
after(() => rm(folder, { recursive: true }));

test("its types are those of the OpenAPI document", async () => {
  assert.equal(await readFile(join(root, "client/src/types.ts"), "utf8"), await clientTypes(), "npm run types");
});

test("it has the project's version, and depends on nothing but supabase-js, and with its hooks on React", async () => {
  const [client, project] = [await readJson("client/package.json"), await readJson("package.json")];
  assert.deepEqual([client.name, client.version, client.license], ["recsys-client", project.version, project.license]);
  const supabase = { "@supabase/supabase-js": "^2.50.0" };
  assert.deepEqual([client.dependencies, client.peerDependencies], [undefined, { ...supabase, react: ">=18" }]);
  assert.deepEqual(client.peerDependenciesMeta, { react: { optional: true } });
});

test("packed and installed, it is typed", async () => {
  // built in a copy, so that nothing is left here
  await cp(join(root, "client"), join(folder, "client"), { recursive: true });
  await cp(join(root, "tsconfig.json"), join(folder, "tsconfig.json"));
  await mkdir(join(folder, "node_modules"));
  for (const name of ["@supabase", "@types", "react", "csstype"])
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: join(folder, "client"),
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env.PATH}` },
  });
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  const paths: string[] = files.map(({ path }: { path: string }) => path);
  assert.ok(paths.includes("dist/index.js") && paths.includes("dist/index.d.ts") && paths.includes("README.md"));
  assert.ok(
    paths.every((path) => /^(dist\/[a-z-]+(\.d)?\.(js|ts)|package\.json|README\.md)$/.test(path)),
    paths.join(),
  );
  const installed = join(folder, "node_modules/recsys-client");
  await mkdir(installed);
  await run("tar", ["xf", join(folder, filename), "--strip-components=1", "-C", installed]);
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  await writeFile(
    join(folder, "app.ts"),
    `import { createClient } from "@supabase/supabase-js";
     import { recsys, RecsysError, type Feed } from "recsys-client";
     const recommender = recsys(createClient("https://project.supabase.co", "sb_publishable_0"));
     const feed: Feed = await recommender.recommend({ limit: 20 });
     const { status, code } = await recommender.track({ type: "dismiss", post_id: feed.items[0].post_id, value: 0 });
     if (status === "refused") console.log(code, feed.items[0].excerpt.length, feed.items[0].created_at?.slice(0, 10));
     recommender.watch(({ isOnline, unsent }) => console.log(isOnline, unsent.length))();
     await recommender.events([{ type: "vote", post_id: feed.items[0].post_id, value: 1 }, { type: "login" }]);
     const posts: string[] = (await recommender.similar({ post_id: feed.items[0].post_id })).items.map((item) => item.title);
     const users: string[] = (await recommender.similar({ find: "people" })).items.map((item) => item.user_id);
     // @ts-expect-error a vote has a value
     await recommender.events([{ type: "vote", post_id: posts[0] }]);
     // @ts-expect-error there are no such votes
     await recommender.events([{ type: "vote", post_id: posts[0], value: 2 }]);
     // @ts-expect-error posts like which?
     await recommender.similar({ find: "posts" });
     // @ts-expect-error misspelt
     await recommender.recommend({ limt: users.length });
     try { } catch (error) { if (error instanceof RecsysError && error.code === "unknown_user") console.log(error.retryAfter); }
    `,
  );
  const readme = await readFile(join(installed, "README.md"), "utf8");
  const component = /^```tsx\n(.*?)^```$/ms.exec(readme)?.[1] ?? assert.fail("README has no component");
  await writeFile(join(folder, "feed.tsx"), component);
  const options = {
    strict: true,
    jsx: "react-jsx",
    noEmit: true,
    target: "es2022",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["es2022", "dom"],
    types: [],
    skipLibCheck: true,
  };
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, files: ["app.ts", "feed.tsx"] }),
  );
  await run(join(root, "node_modules/.bin/tsc"), ["-p", folder]).catch(({ stdout }) => assert.fail(stdout));
});

test("bundled for browsers it is small and imports nothing", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, "client/src/index.ts")],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "iife",
    globalName: "client",
  });
  const [output] = Object.values(metafile.outputs);
  assert.deepEqual(output.imports, []);
  for (const path of Object.keys(metafile.inputs)) assert.match(path, /client\/src\/[a-z-]+\.ts$/);
  const [{ text }] = outputFiles;
  assert.ok(text.length < 9.5 * 1024, `${text.length} bytes`);
  // nothing of Node is there: not even a timer is needed to load it
  const browser = createContext({});
  runInContext(text, browser);
  assert.deepEqual(
    runInContext("Object.keys(client).sort().join()", browser),
    "EventsError,RecsysError,recsys,withPlaces",
  );
});

test("an app with supabase-js and the client bundles for browsers, without a module of Node", async () => {
  const { metafile, warnings } = await build({
    stdin: {
      contents: `import { createClient } from "@supabase/supabase-js"; import { recsys } from "./client/src/index.ts";
        globalThis.recommender = recsys(createClient("https://project.supabase.co", "key"));`,
      resolveDir: root,
    },
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "esm",
  });
  assert.deepEqual(warnings, []);
  const { imports } = Object.values(metafile.outputs)[0];
  assert.deepEqual(imports, []);
  assert.ok(Object.keys(metafile.inputs).every((path) => !path.startsWith("node:")));
});
