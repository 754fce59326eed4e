import { useEffect, useRef } from "preact/hooks";
import { type Act, dismissalOf, sayActs } from "./actions.ts";
import type { FeedChange } from "./feed-changes.ts";
import { UndoDismissal } from "./posts/post-acts.tsx";
import { useTheFeed } from "./use-feed.ts";

interface MovedProps {
  changes: FeedChange[];
  acts: Act[];
  /** Its reader has just asked for it. */
  isNews: boolean;
}

/** Lists posts that are new or rose since the last feed, with reasons, and counts the others. */
export function Moved({ changes, acts, isNews }: MovedProps) {
  const { marks } = useTheFeed();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // the user who asked for it may be far down, at a button that is gone now
    if (isNews && acts.length > 0) heading.current?.focus();
  }, [acts]);
  const fresh = changes.filter(({ from }) => from === undefined);
  const up = changes.filter(({ by }) => by > 0);
  const down = changes.filter(({ by }) => by < 0);
  const gone = changes.filter(({ to }) => to === undefined);
  const isDismissed = ({ post_id }: FeedChange) => marks.get(dismissalOf(post_id)) ?? false;
  return (
    <section class="card moved stack" aria-label="What moved">
      <div role="status">
        <h2 ref={heading} tabIndex={-1}>
          {changes.length === 0 ? "Nothing moved" : `What moved: ${counted(fresh, up)}`}
        </h2>
        <p class="soft">
          {acts.length > 0 ? `Since the last feed was made you ${sayActs(acts)}.` : "Since the last feed."}
        </p>
      </div>
      <div class="parts">
        <Part title="New" changes={fresh} />
        <Part title="Up" changes={up} />
      </div>
      {gone.filter(isDismissed).map(({ post_id, title }) => (
        <div key={post_id} class="row spread one-line">
          <p class="soft">
            <strong>Dismissed:</strong> <bdi>{title}</bdi>
          </p>
          <UndoDismissal post_id={post_id} title={title} />
        </div>
      ))}
      <Rest down={down.length} gone={gone.filter((change) => !isDismissed(change))} />
    </section>
  );
}

const mostShown = 2;

function Part({ title, changes }: { title: string; changes: FeedChange[] }) {
  if (changes.length === 0) return null;
  const [shown, rest] = [changes.slice(0, mostShown), changes.slice(mostShown)];
  return (
    <div>
      <h3 class="soft small">{title}</h3>
      <Lines changes={shown} />
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          <Lines changes={rest} />
        </details>
      )}
    </div>
  );
}

function Lines({ changes }: { changes: FeedChange[] }) {
  return (
    <ul>
      {changes.map((change) => (
        <li key={change.post_id}>
          <bdi>{change.title}</bdi>{" "}
          <small class="hint">
            {sayPlace(change)} · {change.why}
          </small>
        </li>
      ))}
    </ul>
  );
}

/** Counts the posts that left in one line, which opens to their titles and reasons. */
function Rest({ down, gone }: { down: number; gone: FeedChange[] }) {
  const said = [
    ...(down > 0 ? [`${down} went down`] : []),
    ...(gone.length > 0 ? [`${gone.length} left the feed`] : []),
  ];
  if (said.length === 0) return null;
  const line = said.join(" and ");
  if (gone.length === 0) return <p class="soft">{line}</p>;
  return (
    <details>
      <summary class="soft">{line}</summary>
      <Lines changes={gone} />
    </details>
  );
}

function sayPlace({ from, to, by }: FeedChange): string {
  if (to === undefined) return `was at place ${from}`;
  return by > 0 ? `past ${by} ${by === 1 ? "post" : "posts"} to place ${to}` : `at place ${to}`;
}

function counted(fresh: FeedChange[], up: FeedChange[]): string {
  if (fresh.length + up.length === 0) return "nothing new and nothing up";
  const parts = [...(fresh.length > 0 ? [`${fresh.length} new`] : []), ...(up.length > 0 ? [`${up.length} up`] : [])];
  return parts.join(", ");
}
