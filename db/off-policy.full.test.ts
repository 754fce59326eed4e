/** Coverage of the intervals of off-policy estimates, in simulations. SOAK sets how many: 40 by default, 200 in `npm run test:soak`. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  clearPlaces,
  drawPlaces,
  drawWorld,
  offPolicy,
  type ShadowEstimate,
  writePlaces,
} from "../testing/off-policy.ts";
import { stream } from "../trainer/data/synthetic/draws.ts";
import { testDatabase } from "./testing.ts";
import { sum } from "./testing-statistics.ts";

const { pool } = await testDatabase({ after }, "off_policy_simulations");
await clearPlaces(pool);
await pool.query("update recsys.settings set view_weight = 0.2, vote_weight = 1, comment_weight = 1");

test("the truth lies in the 95 % intervals in 93 to 97 % of simulations", async (t) => {
  const number = Number(process.env.SOAK ?? 40);
  const world = drawWorld(3);
  const { shadow, served } = world.truth;
  for (let i = 0; i < number; i++) await writePlaces(pool, drawPlaces(world, stream(i, "coverage"), 150), 2 * i + 3);
  await pool.query(
    "analyze recsys_engine.shadow_impressions, recsys.impressions, public.post_views, public.post_votes, public.comments",
  );
  const found: Map<string, ShadowEstimate>[] = [];
  for (let i = 0; i < number; i++) found.push(await offPolicy(pool, 2 * i + 3));
  const share = (holds: (each: Map<string, ShadowEstimate>) => boolean) => found.filter(holds).length / number;
  const gain = shadow - served;
  for (const estimator of ["snips", "dr", "ips"]) {
    const of = (each: Map<string, ShadowEstimate>) => each.get(estimator) ?? assert.fail();
    const covered = share((each) => of(each).low <= shadow && shadow <= of(each).high);
    const gainCovered = share((each) => Number(of(each).gain_low) <= gain && gain <= Number(of(each).gain_high));
    const width = sum(found.map((each) => of(each).high - of(each).low)) / number;
    t.diagnostic(
      `${estimator}: ${(100 * covered).toFixed(1)} % hold the truth, ${(100 * gainCovered).toFixed(1)} % the gain; ${width.toFixed(3)} wide, where the truth is ${shadow.toFixed(3)}`,
    );
    // ips has weights whose mean is off by chance; of the others few simulations say little: 3 standard errors of so many
    if (estimator === "ips") continue;
    const chance = 3 * Math.sqrt((0.95 * 0.05) / number);
    const [least, most] = number >= 200 ? [0.93, 0.97] : [0.95 - chance, 1];
    assert.ok(covered >= least && covered <= most, `${estimator}: ${covered}`);
    assert.ok(gainCovered >= 0.95 - chance, `${estimator}, gain: ${gainCovered}`);
  }
});
