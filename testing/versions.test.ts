import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { schemaVersion } from "../supabase/functions/_shared/http/schema-version.ts";

interface Manifest {
  version?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const url = (path: string) => new URL(`../${path}`, import.meta.url);
const read = <T>(path: string): T => JSON.parse(readFileSync(url(path), "utf8"));
const manifest = read<Manifest>("package.json");
const wanted: Record<string, string> = {
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
};
const exact = /^(npm:[@a-z0-9/.-]+@)?\d+\.\d+\.\d+(-[a-z0-9.]+)?$/;

test("package.json names exact versions", () => {
  assert.ok(Object.keys(wanted).length > 0);
  for (const [name, version] of Object.entries(wanted)) assert.match(version, exact, name);
});

test("the schema and the functions have the version of the package", () => {
  const sql = readFileSync(url("supabase/schemas/settings/engine_schema.sql"), "utf8");
  const document = read<{ info: Record<string, string> }>("supabase/functions/openapi/document.json");
  assert.equal(/create function recsys\.version\(\)[^;]*?return '([^']*)';/.exec(sql)?.[1], manifest.version);
  assert.equal(document.info["x-recsys-version"], manifest.version);
  assert.equal(schemaVersion, manifest.version);
  assert.equal(read<Manifest>("client/package.json").version, manifest.version);
});

test("package-lock.json was made from this package.json", () => {
  const root = read<{ packages: Record<string, Manifest> }>("package-lock.json").packages[""];
  assert.deepEqual(
    { ...root?.dependencies, ...root?.devDependencies, ...root?.optionalDependencies },
    wanted,
    "run npm install and commit package-lock.json",
  );
});

// npm leaves out what a registry or a platform lacks at the moment of writing, and npm ci refuses such a file
test("package-lock.json names the packages of every platform", () => {
  const { packages } = read<{ packages: Record<string, Manifest> }>("package-lock.json");
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      const paths = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      assert.ok(
        paths.some((each) => each in packages),
        `${name}, wanted by ${path}`,
      );
    }
  }
});

test("package-lock.json has the checksum of every package", () => {
  const { packages } = read<{ packages: Record<string, { integrity?: string }> }>("package-lock.json");
  const bare = Object.keys(packages).filter((path) => path !== "" && !packages[path].integrity);
  assert.deepEqual(bare, []);
});

// the registry that the lock is made from has no other binaries of that version, and npm leaves out the checksum of what it cannot see
test("only Deno's binaries of platforms where nothing is deployed have another version than Deno", () => {
  const { overrides } = read<{ overrides: { deno: Record<string, string> } }>("package.json");
  const { packages } = read<{ packages: Record<string, Manifest> }>("package-lock.json");
  const { version, optionalDependencies = {} } = packages["node_modules/deno"];
  for (const name of Object.keys(optionalDependencies))
    assert.equal(packages[`node_modules/${name}`].version, overrides.deno[name] ?? version, name);
  assert.equal(packages["node_modules/@deno/linux-x64-glibc"].version, version);
});

// types are not deployed, and Deno brings those of Node itself
test("supabase/functions/deno.lock has the checksum of every package: what is deployed is what package-lock.json installs here", () => {
  const { packages } = read<{ packages: Record<string, { version: string; integrity: string }> }>("package-lock.json");
  const { npm } = read<{ npm: Record<string, { integrity: string }> }>("supabase/functions/deno.lock");
  const deployed = Object.entries(npm).filter(([key]) => !/^(@types\/|undici-types@)/.test(key));
  assert.ok(deployed.length > Object.keys(read<{ imports: object }>("deno.json").imports).length);
  for (const [key, { integrity }] of deployed) {
    // pg-pool@3.14.0_pg@8.23.1: with the peer that it goes with
    const [, name, version] = /^(.[^@]*)@([^_]+)/.exec(key) ?? [];
    const { [`node_modules/${name}`]: here } = packages;
    assert.deepEqual([version, integrity], [here?.version, here?.integrity], `${key}: npm run lock`);
  }
});

test("deno.json has the same versions", () => {
  const { imports } = read<{ imports: Record<string, string> }>("deno.json");
  assert.ok(Object.keys(imports).length > 0);
  for (const [name, target] of Object.entries(imports)) assert.equal(target, `npm:${name}@${wanted[name]}`, name);
});

test("what is installed is what package.json names", () => {
  for (const [name, version] of Object.entries(wanted)) {
    const path = `node_modules/${name}/package.json`;
    // an optional dependency may not install everywhere
    if (!existsSync(url(path)) && name in (manifest.optionalDependencies ?? {})) continue;
    assert.equal(read<Manifest>(path).version, version.split("@").at(-1), `${name}: run npm install`);
  }
});
