import { Heading } from "../../shared/elements.tsx";
import { Panel } from "../panel.tsx";

/** What is put into feeds by hand, and what each would change by the pages of the last day. */
export function PromotionsView() {
  return (
    <>
      <Heading text="Promotions" />
      <Panel
        title="All promotions"
        ask="promotions"
        empty={
          <>
            There is none: <code>insert into recsys.promotions (name, post_id, place, ends_at) values …</code>.
          </>
        }
        caption="Promotions, the last to end first"
        below={(rows) =>
          rows.map(({ promotion_id, name }) => (
            <Panel
              key={String(promotion_id)}
              title={`What ${name} changes`}
              about="What it would have done on the pages of the last 24 hours. count: on how many a value rests."
              ask="preview_promotion"
              parameters={{ promotion_id: Number(promotion_id) }}
              caption={`Preview of ${name}`}
            />
          ))
        }
      />
    </>
  );
}
