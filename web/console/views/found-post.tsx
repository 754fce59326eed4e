import { useEffect, useRef } from "preact/hooks";
import { Panel } from "../panel.tsx";
import { RowsTable } from "../rows-table.tsx";

/** A post that was asked about, its neighbours, and the people whom it may interest. */
export function FoundPost({ postId }: { postId: string }) {
  const asked = { parameters: { post_id: postId } };
  return (
    <section class="stack post" aria-label="The post">
      <Panel
        {...asked}
        title="The post"
        ask="post"
        empty={<Found key={postId} postId={postId} text="There is no such post." />}
      >
        {(rows) => (
          <>
            <Found postId={String(rows[0].post_id)} text={String(rows[0].title)} />
            <RowsTable rows={rows} caption="The post" />
          </>
        )}
      </Panel>
      <div class="pair">
        <Panel
          {...asked}
          title="Its neighbours"
          ask="neighbours"
          empty="It has no vector yet."
          columns={["title", "similarity", "created_at"]}
          cells={{ title: ({ post_id, title }) => <a href={`#posts/${post_id}`}>{String(title)}</a> }}
          caption="Neighbours"
        />
        <Panel
          {...asked}
          title="Who would see it"
          about="The people whose vectors are nearest to it. Click one to see what becomes of the post in their feed."
          ask="audience"
          empty="It has no vector yet."
          columns={["person", "similarity"]}
          cells={{
            person: ({ user_id, external_id }) => (
              <a href={`#people/${user_id}/${postId}`}>{String(external_id ?? user_id)}</a>
            ),
          }}
          caption="Audience"
        />
      </div>
    </section>
  );
}

/** What was found: it scrolls into view and takes the focus, by which a screen reader says it, whenever another post was asked about. */
function Found({ postId, text }: { postId: string; text: string }) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    place.current?.closest("section")?.scrollIntoView({ block: "start" });
    place.current?.focus({ preventScroll: true });
  }, [postId]);
  return (
    <strong ref={place} tabIndex={-1} class="found" dir="auto">
      {text}
    </strong>
  );
}
