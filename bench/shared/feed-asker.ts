/** A thread that requests feeds one after the other until a message stops it, and then posts the results. A training blocks the event loop of its own thread. */
import { parentPort, workerData } from "node:worker_threads";

/** The workerData of the thread: the URL of the function, and the tokens that it uses in turn. */
export interface AskedFeeds {
  url: string;
  tokens: string[];
}

/** The results: how often each answer came, and the milliseconds of each request. */
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
