import { dot, pointer } from "@observablehq/plot";
import { PCA } from "ml-pca";
import { useMemo } from "preact/hooks";
import { Heading } from "../../shared/elements.tsx";
import { go } from "../../shared/hooks.ts";
import { Chart } from "../chart.tsx";
import type { ConsoleRow } from "../console-client.ts";
import { Panel } from "../panel.tsx";
import { FoundPost } from "./found-post.tsx";

/** The posts as the active model sees them: what lies together is alike. `route`: the post that is asked about, so that it can be linked to. */
export function PostMapView({ route: [asked = ""] }: { route: string[] }) {
  const isId = /^[\da-f-]{36}$/i.test(asked);
  return (
    <>
      <Heading text="Posts" />
      <Panel
        title="Map of the newest 3,000 posts"
        about="Posts that are alike to the active model lie together; a colour is a topic. Click a post to see its neighbours and the people whom it may interest."
        ask="map"
        empty="No model is active, or no post has a vector yet."
      >
        {(rows) => <Dots rows={rows} chosen={asked} />}
      </Panel>
      <label class="card">
        Post <small>its id, or click it on the map</small>
        <input
          key={asked}
          defaultValue={asked}
          spellcheck={false}
          onChange={(event) => go(`posts/${event.currentTarget.value.trim()}`)}
        />
      </label>
      {asked !== "" && !isId && (
        <p class="trouble" role="alert">
          “{asked}” is no id of a post.
        </p>
      )}
      {isId && <FoundPost postId={asked} />}
    </>
  );
}

interface Placed extends ConsoleRow {
  x: number;
  y: number;
  topic: string;
}

/** The twenty largest topics have a colour each; the rest share one. */
const coloured = 20;

function placed(rows: ConsoleRow[]): Placed[] {
  const vectors = rows.map(({ vector }) => vector as number[]);
  const groups = Map.groupBy(rows, ({ topic_id }) => topic_id);
  groups.delete(null);
  const centres = Array.from(groups.values(), (group) => mean(group.map(({ vector }) => vector as number[])));
  const largest = [...groups].sort(([, a], [, b]) => b.length - a.length).slice(0, coloured);
  const named = new Set(largest.map(([id]) => id));
  const points = projected(vectors, centres);
  return rows.map((row, i) => ({
    ...row,
    ...points[i],
    topic: named.has(row.topic_id) ? String(row.topic) : "other",
  }));
}

function mean(vectors: number[][]): number[] {
  return vectors[0].map((_, d) => vectors.reduce((sum, vector) => sum + vector[d], 0) / vectors.length);
}

const choose = ({ post_id }: Placed) => go(`posts/${post_id}`);

function Dots({ rows, chosen }: { rows: ConsoleRow[]; chosen: string }) {
  const points = useMemo(() => placed(rows), [rows]);
  const options = useMemo(
    () => (width: number) => ({
      height: Math.min(620, width),
      axis: null,
      inset: 8,
      color: { legend: true, scheme: "Sinebow" as const, unknown: "#999" },
      marks: [
        dot(points, { x: "x", y: "y", fill: "topic", r: 3, fillOpacity: 0.7, title: "title", tip: true }),
        dot(points, pointer({ x: "x", y: "y", r: 6, stroke: "currentColor" })),
        dot(
          points.filter(({ post_id }) => post_id === chosen),
          { x: "x", y: "y", r: 8, stroke: "currentColor", strokeWidth: 2 },
        ),
      ],
    }),
    [points, chosen],
  );
  return <Chart label="Map of the posts by topic" options={options} onChoose={choose} />;
}

// A map of the posts: their vectors in the two directions in which they differ most (principal components: Pearson 1901).

interface Point {
  x: number;
  y: number;
}

/**
 * `vectors` [N, d] in two dimensions. The directions are those of the `centres` where there are three or more, the topics' means, so that the map
 * shows what topics are apart in; else those of the vectors.
 */
function projected(vectors: number[][], centres: number[][]): Point[] {
  if (vectors.length < 3) return vectors.map((_, i) => ({ x: i, y: 0 }));
  const directions = new PCA(centres.length >= 3 ? centres : vectors, { nCompNIPALS: 2 });
  return directions
    .predict(vectors, { nComponents: 2 })
    .to2DArray()
    .map(([x, y = 0]) => ({ x, y }));
}
