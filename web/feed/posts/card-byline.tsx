import { nowOf } from "../../shared/clock.ts";
import { useProject } from "../../shared/project.ts";
import type { Item } from "../item.ts";
import { sayAge } from "./say-age.ts";

/** Who wrote a post, and how long ago. `author`: their name; undefined: not to be had. */
export function CardByline({ item, author }: { item: Item; author: string | undefined }) {
  const { config } = useProject();
  const { created_at } = item;
  if (!created_at) return author ? <p class="byline">{author}</p> : null;
  return (
    <p class="byline">
      {author && <span>{author}</span>}
      <time dateTime={created_at} title={new Date(created_at).toLocaleString("en")}>
        {sayAge(nowOf(config) - Date.parse(created_at))}
      </time>
    </p>
  );
}
