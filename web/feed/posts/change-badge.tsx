import type { Change } from "../feed-changes.ts";

/** New, or how many places up or down, beside a post. */
export function ChangeBadge({ change: { from, to } }: { change: Change }) {
  if (to === undefined) return null;
  if (from === undefined) return <span class="badge new">New here</span>;
  const by = Math.abs(from - to);
  return (
    <span class={`badge ${to < from ? "up" : "down"}`}>
      <span aria-hidden="true">{to < from ? "▲" : "▼"}</span> {by}
      <span class="hidden">
        {by === 1 ? "place" : "places"} {to < from ? "up" : "down"}
      </span>
    </span>
  );
}
