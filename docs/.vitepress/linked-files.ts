/** Links of a page to what is not a page of docs/, such as code: the site has a copy of each such file, as text. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { MarkdownOptions, SiteConfig } from "vitepress";

/** Pages that are a file from elsewhere, or begin with it. */
const included: Record<string, string> = {
  "README.md": "index.md",
  "client/README.md": "client.md",
  "examples/vite-react": "react.md",
  "examples/next": "react.md",
  "examples/plain": "html.md",
};
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The two halves of it: links that lead to the copies, and the copies. */
export function linkedFiles() {
  const linked = new Set<string>();

  const link: MarkdownOptions["config"] = (md) => {
    const open = md.renderer.rules.link_open;
    md.renderer.rules.link_open = (tokens, index, options, env, self) => {
      const href = tokens[index].attrGet("href") ?? "";
      const [path, anchor] = href.split("#");
      if (!/^https?:/.test(href) && path !== "") {
        const file = namedFile(path, join("docs", env.relativePath));
        const leadsTo = pageOf(file);
        if (leadsTo) {
          const way = relative(dirname(env.relativePath), leadsTo);
          tokens[index].attrSet("href", [way, anchor].filter(Boolean).join("#"));
        } else {
          linked.add(file);
          tokens[index].attrSet("href", relative(dirname(join("/", env.relativePath)), `/files/${file}.txt`));
          tokens[index].attrSet("target", "_blank");
          return self.renderToken(tokens, index, options);
        }
      }
      return open?.(tokens, index, options, env, self) ?? self.renderToken(tokens, index, options);
    };
  };

  const copy = ({ outDir }: SiteConfig) => {
    for (const file of linked) {
      mkdirSync(dirname(join(outDir, "files", file)), { recursive: true });
      copyFileSync(join(root, file), join(outDir, "files", `${file}.txt`));
    }
  };

  return { link, copy };
}

/** The file that a link of a page names. What the page includes has links of its own place. */
function namedFile(path: string, page: string): string {
  const text = readFileSync(join(root, page), "utf8");
  const includes = Array.from(text.matchAll(/<!--@include: ([^{]*?)(?:\{.*\})?-->/g), ([, file]) =>
    join(dirname(page), file),
  );
  const files = [page, ...includes].map((from) => join(dirname(from), path));
  return files.find((file) => existsSync(join(root, file))) ?? files[0];
}

/** The page of the site that shows a file; undefined: none does. */
function pageOf(file: string): string | undefined {
  if (file.startsWith("docs/")) return relative("docs", file);
  return included[file];
}
