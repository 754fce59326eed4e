/** A thread that asks for feeds one after the other until it is told to stop, and then answers with what came. A thread, since a training keeps the loop of its own. */
import { parentPort, workerData } from "node:worker_threads";

/** What a thread is told: where the function is, and whose tokens take turns. */
export interface AskedFeeds {
  url: string;
  tokens: string[];
}

/** What a thread answers: how often each answer came, and how many milliseconds each took. */
export interface HeardFeeds {
  answers: Record<string, number>;
  times: number[];
}

const { url, tokens } = workerData as AskedFeeds;
const heard: HeardFeeds = { answers: {}, times: [] };
let isGoing = true;
parentPort?.once("message", () => {
  isGoing = false;
});
for (let asked = 0; isGoing; asked++) {
  const headers = { authorization: `Bearer ${tokens[asked % tokens.length]}` };
  const begun = performance.now();
  const response = await fetch(url, { method: "POST", headers, body: "{}" });
  const body = (await response.json()) as { code?: string; degraded?: unknown; items?: unknown[] };
  heard.times.push(performance.now() - begun);
  const answer =
    body.code ?? (body.items?.length ? (body.degraded ? JSON.stringify(body.degraded) : "answered") : "empty");
  heard.answers[answer] = (heard.answers[answer] ?? 0) + 1;
}
parentPort?.postMessage(heard);
