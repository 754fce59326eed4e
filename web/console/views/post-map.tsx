import { dot, pointer } from "@observablehq/plot";
import { useCallback, useMemo, useState } from "preact/hooks";
import { Heading } from "../../shared/heading.tsx";
import { Chart } from "../chart.tsx";
import type { Row } from "../console-client.ts";
import { Panel } from "../panel.tsx";
import { projected } from "../project-posts.ts";
import { RowsTable } from "../rows-table.tsx";

/** The posts as the active model sees them: what lies together is alike. */
export function PostMap({ route: [asked = ""] }: { route: string[] }) {
  const [postId, setPostId] = useState(asked);
  return (
    <>
      <Heading text="Posts" />
      <Panel
        title="Map of the newest 3,000 posts"
        about="What the active model holds for alike lies together, coloured by topic. Click a post for its neighbours and its audience."
        ask="map"
        empty="No model is active, or no post has a vector yet."
      >
        {(rows) => <Dots rows={rows} onChoose={setPostId} />}
      </Panel>
      <label class="card">
        Post <small>its id, or click it on the map</small>
        <input value={postId} spellcheck={false} onChange={(event) => setPostId(event.currentTarget.value.trim())} />
      </label>
      {/^[\da-f-]{36}$/i.test(postId) && <Post postId={postId} onChoose={setPostId} />}
    </>
  );
}

interface Placed extends Row {
  x: number;
  y: number;
  topic: string;
}

/** The twenty largest topics have a colour each; the rest share one. */
const coloured = 20;

function placed(rows: Row[]): Placed[] {
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

function Dots({ rows, onChoose }: { rows: Row[]; onChoose(postId: string): void }) {
  const options = useMemo(() => {
    const points = placed(rows);
    return (width: number) => ({
      height: Math.min(620, width),
      axis: null,
      inset: 8,
      color: { legend: true, scheme: "Sinebow" as const, unknown: "#999" },
      marks: [
        dot(points, { x: "x", y: "y", fill: "topic", r: 3, fillOpacity: 0.7, title: "title", tip: true }),
        dot(points, pointer({ x: "x", y: "y", r: 6, stroke: "currentColor" })),
      ],
    });
  }, [rows]);
  const choose = useCallback(({ post_id }: Placed) => onChoose(String(post_id)), [onChoose]);
  return <Chart label="Map of the posts by topic" options={options} onChoose={choose} />;
}

function Post({ postId, onChoose }: { postId: string; onChoose(postId: string): void }) {
  const asked = { parameters: { post_id: postId } };
  return (
    <>
      <Panel {...asked} title="The post" ask="post" empty="There is no such post.">
        {(rows) => <RowsTable rows={rows} caption="The post" />}
      </Panel>
      <div class="pair">
        <Panel {...asked} title="Its neighbours" ask="neighbours" empty="It has no vector yet.">
          {(rows) => (
            <RowsTable
              rows={rows}
              columns={["title", "similarity", "created_at"]}
              cells={{
                title: ({ post_id, title }) => (
                  <button type="button" class="plain" onClick={() => onChoose(String(post_id))}>
                    {String(title)}
                  </button>
                ),
              }}
              caption="Neighbours"
            />
          )}
        </Panel>
        <Panel
          {...asked}
          title="Who would see it"
          about="The people whose vectors are nearest; what their feed makes of it is one click away."
          ask="audience"
          empty="It has no vector yet."
        >
          {(rows) => (
            <RowsTable
              rows={rows}
              columns={["person", "similarity"]}
              cells={{
                person: ({ user_id, external_id }) => (
                  <a href={`#people/${user_id}/${postId}`}>{String(external_id ?? user_id)}</a>
                ),
              }}
              caption="Audience"
            />
          )}
        </Panel>
      </div>
    </>
  );
}
