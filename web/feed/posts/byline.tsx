import { nowOf } from "../../shared/config.ts";
import { useProject } from "../../shared/project.ts";
import { sayAge } from "../format.ts";

interface BylineProps {
  /** Their name; undefined: the reader may not know it. */
  author: string | undefined;
  created_at: string | null;
}

/** Author and age of a post or comment. */
export function Byline({ author, created_at }: BylineProps) {
  const { config } = useProject();
  if (!author && !created_at) return null;
  return (
    <p class="soft small byline">
      {author && <bdi>{author}</bdi>}
      {author && created_at && " · "}
      {created_at && (
        <time dateTime={created_at} title={new Date(created_at).toLocaleString("en")}>
          {sayAge(nowOf(config) - Date.parse(created_at))}
        </time>
      )}
    </p>
  );
}
