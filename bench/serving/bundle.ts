/**
 * What each function weighs: its own code and that of the libraries it uses, in one file, as esbuild puts them together, not minified. The ONNX
 * runtime is the platform's and not in it.
 */
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Finding } from "./figure.ts";

const folder = fileURLToPath(new URL("../../supabase/functions", import.meta.url));

export async function measureBundles(): Promise<Finding> {
  const finding: Finding = { figures: [] };
  // as deploy.test.ts finds them
  for (const name of globSync("[a-z]*/index.ts", { cwd: folder }).map(dirname).sort()) {
    const { metafile } = await build({
      entryPoints: [join(folder, name, "index.ts")],
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: "node",
      logLevel: "error",
    });
    const [output] = Object.values(metafile.outputs);
    const libraries = Object.entries(output.inputs)
      .filter(([path]) => path.includes("node_modules/"))
      .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
    finding.figures.push({
      what: `bundle of the function ${name}`,
      value: output.bytes / 1e6,
      unit: "MB",
      floor: { what: "of that its libraries", value: libraries / 1e6 },
      bar: { of: "value", must: "be at most", limit: 1 },
    });
  }
  return finding;
}
