/** Links of a page to what is not a page of docs/, such as code: the site has a copy of each such file, as text. */
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { MarkdownOptions, SiteConfig } from "vitepress";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The two halves of it: links that lead to the copies, and the copies. */
export function linkedFiles() {
  const linked = new Set<string>();

  const link: MarkdownOptions["config"] = (md) => {
    const open = md.renderer.rules.link_open;
    md.renderer.rules.link_open = (tokens, index, options, env, self) => {
      const href = tokens[index].attrGet("href") ?? "";
      const file = join("docs", dirname(env.relativePath), href.replace(/#.*/, ""));
      if (/^(https?:|#)/.test(href) || file.startsWith("docs/"))
        return open?.(tokens, index, options, env, self) ?? self.renderToken(tokens, index, options);
      linked.add(file);
      tokens[index].attrSet("href", relative(dirname(join("/", env.relativePath)), `/files/${file}.txt`));
      tokens[index].attrSet("target", "_blank");
      return self.renderToken(tokens, index, options);
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
