/**
 * `node release/try-installs.ts` installs the packed package by each package manager and on each Node version, without install
 * scripts. `--all` tries every pair. Each prints its version and a feed. Needs the npm registry; 90 s on two quiet cores.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeSyntheticCommunity } from "../trainer/data/synthetic/write-synthetic-community.ts";
import { archive, elsewhere, inNewFolder, outputOf, project, type RunOptions, root } from "./packed.ts";

const withoutScripts = "--ignore-scripts";
/** How a manager takes in what is named behind it, and what runs a command of it. */
const managers: Record<string, { add: string[]; exec: string[] }> = {
  npm10: { add: ["install", withoutScripts], exec: ["exec", "--"] },
  npm11: { add: ["install", withoutScripts], exec: ["exec", "--"] },
  // hoist=false: a package finds what it declares, and nothing else
  pnpm: { add: ["add", withoutScripts, "--config.hoist=false"], exec: ["exec"] },
  yarn: { add: ["add", withoutScripts, "--no-progress"], exec: ["--silent", "run"] },
};
const versions = ["20", "22", "24"];

/** One after the other each; the first of them shows the feed of the synthetic community, which takes as long as the others together. */
const lanes: [manager: string, version: string][][] = [
  [["npm11", "24"]],
  [
    ["npm10", "22"],
    ["yarn", "20"],
    ["pnpm", "24"],
  ],
];
const all = Object.keys(managers).flatMap((manager) =>
  versions.map((version) => [manager, version] as [string, string]),
);

await inNewFolder(async (folder) => {
  // under a name of its own each time: Yarn takes what it once found under one for what is there now
  const packed = join(folder, `${basename(folder)}.tgz`);
  cpSync(archive, packed);
  const community = join(folder, "community");
  await writeSyntheticCommunity(community, { seed: 1, users: 40, posts: 100, days: 20 });
  const here = { cwd: folder, env: elsewhere() };
  const platform = `${process.platform}-${process.arch}`;
  // the package `node` gets its binary by a script, from packages that are named so
  const nodes = versions.map((version) => `node${version}@npm:node-${platform}@${version}`);
  const tools = [...nodes, "npm10@npm:npm@10", "npm11@npm:npm@11", "pnpm@12", "yarn@1"];
  await outputOf("npm", ["install", "--prefix", folder, withoutScripts, "--no-audit", "--no-fund", ...tools], here);
  const tool = (path: string) => join(folder, "node_modules", path);
  const lock = await lockForYarn(folder);
  const programs: Record<string, string> = {
    npm10: tool("npm10/bin/npm-cli.js"),
    npm11: tool("npm11/bin/npm-cli.js"),
    pnpm: tool("pnpm/pnpm"),
    yarn: tool("yarn/bin/yarn.js"),
  };

  async function tryIn(manager: string, version: string, data: string[]): Promise<void> {
    const app = join(folder, `${manager}-${version}`);
    mkdirSync(app);
    writeFileSync(join(app, "package.json"), JSON.stringify({ private: true }));
    if (manager === "yarn") writeFileSync(join(app, "yarn.lock"), lock);
    // its default since version 10, said so that nothing asks for a decision
    if (manager === "pnpm") writeFileSync(join(app, "pnpm-workspace.yaml"), "ignoreScripts: true\n");
    const bin = tool(`node${version}/bin`);
    const there: RunOptions = { cwd: app, env: elsewhere(bin) };
    const { add, exec } = managers[manager];
    const ask = (args: string[]) =>
      manager === "pnpm"
        ? outputOf(programs[manager], args, there)
        : outputOf(join(bin, "node"), [programs[manager], ...args], there);
    const began = Date.now();
    await ask([...add, packed]);
    const installed = Date.now();
    assert.equal(
      await outputOf(join(bin, "node"), ["--version"], there).then((said) => said.split(".")[0]),
      `v${version}`,
    );
    assert.equal((await ask([...exec, "recsys", "--version"])).trim(), project.version);
    const feed = await ask([...exec, "recsys", "start", "--exit", "--port", "0", ...data]);
    // trained, published past the gate, which asks the ONNX Runtime, and served by Deno
    assert.match(feed, /^the gate lets it pass: ONNX Runtime is within /m);
    assert.match(feed, /^feed of user .* \(model /m);
    assert.match(feed, /^10 {2}\S/m);
    rmSync(app, { recursive: true });
    const seconds = (from: number, to: number) => `${Math.round((to - from) / 1000)} s`;
    console.log(
      `${manager} on Node ${version}: installed in ${seconds(began, installed)}, a feed in ${seconds(installed, Date.now())}`,
    );
  }

  if (process.argv.includes("--all"))
    for (const [manager, version] of all) await tryIn(manager, version, ["--data", community]);
  else
    await Promise.all(
      lanes.map(async (lane, i) => {
        for (const [manager, version] of lane) await tryIn(manager, version, i === 0 ? [] : ["--data", community]);
      }),
    );
});

/**
 * Yarn asks for the binaries of all platforms, though it installs only this one's, and a mirror of the registry may not have them: by its lock
 * file another platform's Deno is an empty package.
 */
async function lockForYarn(folder: string): Promise<string> {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  writeFileSync(join(empty, "package.json"), JSON.stringify({ name: "empty", version: "1.0.0" }));
  await outputOf("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: empty, env: elsewhere() });
  const { version, optionalDependencies } = JSON.parse(
    readFileSync(join(root, "node_modules/deno/package.json"), "utf8"),
  );
  return Object.keys(optionalDependencies)
    .filter((name) => !name.startsWith(`@deno/${process.platform}-${process.arch}`))
    .map((name) => `"${name}@${version}":\n  version "${version}"\n  resolved "file:../empty-1.0.0.tgz"\n`)
    .join("\n");
}
