/**
 * Progress of the training of a community's first model, which `recsys start` reports and the feed page shows. It
 * exists only on this machine, not on a hosted project.
 */
import { Hono } from "hono";

/** `none`: no training runs. */
export type FirstTraining =
  | { state: "none" | "done" }
  | { state: "running"; step: string; share: number }
  | { state: "failed"; reason: string };

/** Serves the latest progress. `read` reads lines of JSON, one per progress report, until the stream ends. */
export function firstTraining(): { route: Hono; read(stream: ReadableStream<Uint8Array>): Promise<void> } {
  let latest: FirstTraining = { state: "none" };
  const route = new Hono();
  route.get("/", (c) => c.json(latest, 200, { "cache-control": "no-store" }));
  return {
    route,
    async read(stream) {
      const decoder = new TextDecoder();
      let open = "";
      for await (const bytes of stream) {
        const lines = (open + decoder.decode(bytes, { stream: true })).split("\n");
        open = lines.pop() ?? "";
        const last = lines.at(-1);
        if (last) latest = JSON.parse(last);
      }
    },
  };
}
