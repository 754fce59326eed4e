/**
 * `npm run pack`: the package that a team installs, as recsys-VERSION.tgz, laid out as the checkout so that relative paths work.
 * Code for Node is compiled (Node strips no types below node_modules), functions stay TypeScript for Deno, pages are built.
 */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPages } from "../web/build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const stage = join(root, ".recsys/package");

/** What is read and not imported; tests and what only they use stay behind. */
const resources = [
  "supabase/migrations/*.sql",
  "supabase/functions/**/*.{ts,json,lock}",
  "docs/*.md",
  "trainer/**/*.yaml",
  "db/*.sql",
  "cluster/*.{py,sh}",
  "client/src/types.ts",
  "deno.json",
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
];
/** What the embedded database loads for tests alone, with --memory. */
const ofMemory = "@electric-sql/pglite-pgtap";
const ofTests = /\.test\.ts$|(^|\/)testing/;

process.chdir(root);
rmSync(stage, { recursive: true, force: true });
for (const project of ["tsconfig.json", "tsconfig.functions.json"])
  execFileSync("tsc", ["--project", join("release", project)], { stdio: "inherit" });
// a file of types alone: nothing imports what it is compiled to, and the map of the schema's would be 2 % of the package
for (const file of globSync(join(stage, "**/*.js")))
  if (/^export \{\};\s*\/\/# sourceMappingURL=\S+\s*$/.test(readFileSync(file, "utf8")))
    for (const built of [file, `${file}.map`]) rmSync(built);
for (const file of globSync(resources).filter((name) => !ofTests.test(name))) {
  mkdirSync(dirname(join(stage, file)), { recursive: true });
  cpSync(file, join(stage, file));
}
// a tenth of the package, where the source lies beside what it is compiled to
for (const file of globSync(join(stage, "supabase/functions/**/*.js.map"))) {
  const { sourcesContent: _, ...map } = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify(map));
}
await buildPages(join(stage, "web/pages"));
writeFileSync(join(stage, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
execFileSync("npm", ["pack", "--pack-destination", root], { cwd: stage, stdio: "inherit" });

/** package.json of the package: of the dependencies those that are imported, in Node or in Deno. */
function manifest() {
  const { name, version, description, license, type, dependencies, optionalDependencies } = JSON.parse(
    readFileSync("package.json", "utf8"),
  );
  const imported = importedPackages();
  const undeclared = [...imported].filter(
    (of) => ![...Object.keys({ ...dependencies, ...optionalDependencies }), ofMemory].includes(of),
  );
  if (undeclared.length > 0) throw new Error(`no dependencies, and the package imports them: ${undeclared.join(", ")}`);
  const needed = Object.entries(dependencies).filter(([of]) => imported.has(of));
  return {
    name,
    version,
    description,
    license,
    type,
    bin: { recsys: "cli/cli.js" },
    // a command line and what it copies into an app: nothing is imported by the package's name, so it has no types to bring
    exports: { "./package.json": "./package.json" },
    engines: { node: ">=20" },
    dependencies: Object.fromEntries(needed),
    optionalDependencies,
  };
}

/**
 * Names of packages that compiled files import, in Node or in Deno. `deno` is run, and the ONNX Runtime loaded by its parts; esbuild
 * would build the pages, which are built.
 */
function importedPackages(): Set<string> {
  const files = globSync("**/*.js", { cwd: stage, exclude: ["web/**"] }).map((file) =>
    readFileSync(join(stage, file), "utf8"),
  );
  const specifiers = files.flatMap((text) => [
    ...text.matchAll(/(?:from |import\(|import |require\()"(?!node:)([^".][^"]*)"/g),
  ]);
  const nameOf = (specifier: string) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  return new Set(["deno", "onnxruntime-node", ...specifiers.map(([, specifier]) => nameOf(specifier))]);
}
