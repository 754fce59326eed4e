import { useEffect, useRef } from "preact/hooks";
import { type Act, dismissalOf, sayActs } from "./acts.ts";
import type { FeedChange } from "./feed-changes.ts";
import { UndoDismissal } from "./posts/post-acts.tsx";
import { useTheFeed } from "./use-feed.ts";

interface MovedProps {
  changes: FeedChange[];
  acts: Act[];
  /** Its reader has just asked for it. */
  isNews: boolean;
}

/** What moved since the feed before, and why. */
export function Moved({ changes, acts, isNews }: MovedProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // whoever asked for it may be far down, at a button that is gone now
    if (isNews && acts.length > 0) heading.current?.focus();
  }, [acts]);
  const fresh = changes.filter(({ from, to }) => from === undefined && to !== undefined);
  const up = changes.filter(({ from, to }) => from !== undefined && to !== undefined && to < from);
  const down = changes.filter(({ from, to }) => from !== undefined && to !== undefined && to > from);
  const gone = changes.filter(({ to }) => to === undefined);
  return (
    <section class="card moved stack" aria-label="What moved">
      <div role="status">
        <h2 ref={heading} tabIndex={-1}>
          {changes.length === 0 ? "Nothing moved" : `What moved: ${counted(fresh, up, down, gone)}`}
        </h2>
        <p class="soft">
          {acts.length > 0 ? `Since the last feed was made you ${sayActs(acts)}.` : "Since the last feed."}
        </p>
      </div>
      <div class="parts">
        <Part title="New" changes={fresh} />
        <Part title="Up" changes={up} />
        <Part title="Gone" changes={gone} />
      </div>
    </section>
  );
}

const mostShown = 2;

function Part({ title, changes }: { title: string; changes: FeedChange[] }) {
  if (changes.length === 0) return null;
  const line = (change: FeedChange) => <Line key={change.post_id} change={change} />;
  const [shown, rest] = [changes.slice(0, mostShown), changes.slice(mostShown)];
  return (
    <div>
      <h3 class="soft small">{title}</h3>
      <ul>{shown.map(line)}</ul>
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          <ul>{rest.map(line)}</ul>
        </details>
      )}
    </div>
  );
}

/** Here a dismissal is still to be undone: its post has left the feed. */
function Line({ change: { post_id, title, from, to, why } }: { change: FeedChange }) {
  const { marks } = useTheFeed();
  const isDismissed = to === undefined && (marks.get(dismissalOf(post_id)) ?? false);
  return (
    <li>
      <span class="place">{to === undefined || from === undefined ? (to ?? from) : `${from} → ${to}`}</span>
      <span>
        {title}
        <small class="hint">{why}</small>
      </span>
      {isDismissed && <UndoDismissal post_id={post_id} title={title} />}
    </li>
  );
}

function counted(...[fresh, up, down, gone]: FeedChange[][]): string {
  const parts: [FeedChange[], string][] = [
    [fresh, "new"],
    [up, "up"],
    [down, "down"],
    [gone, "gone"],
  ];
  const said = parts.filter(([changes]) => changes.length > 0);
  return said.map(([changes, what]) => `${changes.length} ${what}`).join(", ");
}
