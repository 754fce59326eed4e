/**
 * `node release/try-expo.ts` tries the client in Expo: types under Expo's tsconfig, a bundle by Metro and Hermes,
 * and the app without a device. Needs the npm registry, and a PostgreSQL or none; 40 s on two quiet cores.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type pg from "pg";
import { eventually } from "../client/testing-app.ts";
import type { Scope } from "../db/testing.ts";
import { servedCommunity } from "../web/testing/community.ts";
import { elsewhere, inNewFolder, outputOf, packClient, project, root } from "./packed.ts";
import { newReader, sessionKey } from "./plain-page.ts";

/** Of one release of Expo: what `npx expo install` would choose. */
const packages = {
  expo: "58.0.26",
  react: "19.3.0",
  "react-native": "0.88.1",
  "react-native-get-random-values": "^2.0.0",
  "@supabase/supabase-js": project.dependencies["@supabase/supabase-js"],
};
const forTests = { "react-test-renderer": "19.3.0", "@types/react": "^19.2.0" };

/** The imports of React Native in the app that a user of the device would notice. */
const withoutDevice = `import { createElement } from "react";
  export const [Button, Text, View] = ["button", "text", "view"];
  export const FlatList = ({ data, renderItem, ListHeaderComponent, ListFooterComponent, ...rest }) =>
    createElement("list", { ...rest, data }, ListHeaderComponent, ...data.map((item) => renderItem({ item })), ListFooterComponent);
  export const AppState = { addEventListener: (_, tell) => void (globalThis.appState = tell) };`;

const began = Date.now();
const step = (what: string) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${what}`);
const cleanings: (() => unknown)[] = [];
const scope = { after: (clean: () => unknown) => void cleanings.unshift(clean) } as Scope;
await inNewFolder(async (folder) => {
  try {
    await tryExpo(folder);
  } finally {
    for (const clean of cleanings) await clean();
  }
});

async function tryExpo(folder: string): Promise<void> {
  const { gateway, pool } = await servedCommunity(scope, "expo");
  const { reader, session } = await newReader(pool, gateway);
  await writeApp(folder, { url: gateway.url, key: gateway.publishableKey, session });
  const here = {
    cwd: folder,
    env: { ...elsewhere(join(root, "node_modules/.bin")), CI: "1", EXPO_OFFLINE: "1", EXPO_NO_TELEMETRY: "1" },
  };
  await outputOf("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], here);
  step("installed");
  await outputOf("tsc", ["--project", "."], here);
  step("its types are right under Expo's tsconfig");
  const said = await outputOf("node", ["node_modules/expo/bin/cli", "export", "--platform", "android"], here);
  // .hbc: Hermes has compiled it
  assert.match(said, /^_expo\/static\/js\/android\/index-\w+\.hbc /m);
  step("Metro bundles it, and Hermes compiles that");
  await drive(folder, reader, pool);
  step("without a page it shows 40 posts, and takes what was seen and a vote");
}

/** An app as `npx create-expo-app` makes it, with that of the README. */
async function writeApp(folder: string, { url, key, session }: { url: string; key: string; session: string }) {
  const readme = readFileSync(join(root, "client/README.md"), "utf8");
  const app = /^```tsx\n(\/\/ App\.tsx\n.*?)^```$/ms.exec(readme)?.[1] ?? assert.fail("README has no App.tsx");
  const dependencies = { ...packages, ...forTests, "recsys-client": `file:${await packClient(folder)}` };
  const files = {
    "package.json": JSON.stringify({ private: true, main: "index.js", dependencies }),
    "app.json": JSON.stringify({ expo: { name: "app", slug: "app", platforms: ["android"] } }),
    "tsconfig.json": JSON.stringify({ extends: "expo/tsconfig.base", compilerOptions: { strict: true } }),
    "index.js": `import { registerRootComponent } from "expo";\nimport App from "./App";\nregisterRootComponent(App);\n`,
    "App.tsx": app,
    // a user is signed in, and their session is kept as an app keeps it
    "supabase.ts": `import { createClient } from "@supabase/supabase-js";
      const kept: Record<string, string> = ${JSON.stringify({ [sessionKey]: session })};
      const storage = {
        getItem: (key: string) => kept[key] ?? null,
        setItem: (key: string, value: string) => void (kept[key] = value),
        removeItem: (key: string) => void delete kept[key],
      };
      export const supabase = createClient(${JSON.stringify(url)}, ${JSON.stringify(key)}, { auth: { storage, autoRefreshToken: false } });`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

async function drive(folder: string, reader: string, pool: pg.Pool): Promise<void> {
  writeFileSync(join(folder, "without-device.js"), withoutDevice);
  writeFileSync(join(folder, "nothing.js"), "");
  const outfile = join(folder, "app.mjs");
  await build({
    entryPoints: [join(folder, "App.tsx")],
    bundle: true,
    outfile,
    format: "esm",
    jsx: "automatic",
    external: ["react", "react/jsx-runtime"],
    conditions: ["react-native"],
    alias: {
      "react-native": join(folder, "without-device.js"),
      "react-native-get-random-values": join(folder, "nothing.js"),
    },
    logLevel: "warning",
  });
  // with that package there is this much of crypto
  const { subtle, getRandomValues } = crypto;
  const poor = { subtle, getRandomValues: getRandomValues.bind(crypto) };
  Object.defineProperty(globalThis, "crypto", { value: poor });
  for (const name of ["document", "IntersectionObserver"]) assert.ok(!(name in globalThis), name);

  const require = createRequire(join(folder, "package.json"));
  const { create } = require("react-test-renderer");
  const { createElement } = require("react");
  const { default: App } = await import(pathToFileURL(outfile).href);
  const rendered = create(createElement(App));
  const list = () => rendered.root.findByType("list").props;
  const posts = () => rendered.root.findAllByType("view");
  const titleOf = (post: { findAllByType(type: string): { props: { children: string } }[] }) =>
    post.findAllByType("text")[0].props.children;
  await eventually(async () => rendered.toJSON() !== null && posts().length, 20);
  list().onEndReached();
  await eventually(async () => posts().length, 40);
  assert.equal(new Set(posts().map(titleOf)).size, 40, "each post comes once");

  list().onViewableItemsChanged({ changed: [{ isViewable: true, item: list().data[0] }] });
  const seen = "select from recsys.impressions where user_id = $1 and seen_at is not null";
  await eventually(async () => (await pool.query(seen, [reader])).rowCount, 1);

  const [first] = posts();
  first.findByType("button").props.onPress();
  await eventually(async () => posts()[0].findByType("button").props.title, "Voted");
  const votes =
    "select from public.post_votes join public.posts on posts.id = post_id where user_id = $1 and title = $2";
  await eventually(async () => (await pool.query(votes, [reader, titleOf(first)])).rowCount, 1);
  rendered.unmount();
}
