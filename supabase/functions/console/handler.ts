/**
 * `POST /console {ask, parameters?}`: an operator's questions about models, health, exposure, posts, experiments and feeds, with their SQL.
 * Takes a secret key, which hosted projects refuse from browsers: use `npx --no-install recsys serve --database URL` there.
 */
import { ask, type QuestionAnswer } from "../_shared/console/ask.ts";
import { feedWithCandidates, latency } from "../_shared/console/preview.ts";
import { questions } from "../_shared/console/questions.ts";
import type { ServiceFunction } from "../_shared/http/edge-function.ts";
import type { FeedServices } from "../_shared/recommend/pipeline/types.ts";
import { type ConsoleRequest, consoleRequestOf } from "./api.ts";

/** Feeds whose stages are timed: half a second of work. */
const timedFeeds = 20;

export const consoleFunction: ServiceFunction<ConsoleRequest, FeedServices> = {
  name: "console",
  callers: "service",
  maximumBodyBytes: 4 * 1024,
  read: { POST: consoleRequestOf },
  async answer(request, _, services): Promise<QuestionAnswer | object> {
    if (request.ask === "feed") return await feedWithCandidates(services, request.userId, request.limit);
    if (request.ask !== "latency") return await ask(services.pool, request.question, request.values);
    const { sql, rows } = await ask(services.pool, questions.people, []);
    return {
      sql,
      rows: await latency(
        services,
        rows.slice(0, timedFeeds).map((row) => String(row.user_id)),
      ),
    };
  },
};
