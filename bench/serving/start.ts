/** How soon a fresh worker gives its first answer, compared with a Deno whose function does nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { denoPath, startGateway } from "../../serve/gateway.ts";
import { Times } from "../shared/times.ts";
import type { ServedCommunity } from "./community.ts";
import type { Figure, Finding } from "./figure.ts";
import { askForFeed } from "./readers.ts";

const empty = `Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
  () => Response.json({ items: [] }),
)`;

export async function measureStart(
  { database, users }: ServedCommunity,
  starts: number,
  folder: string,
): Promise<Finding> {
  const feeds: number[] = [];
  const floors: number[] = [];
  // the first start compiles; later ones find it compiled, as deployed functions do
  for (let i = -1; i < starts; i++) {
    const [feed, floor] = [
      await firstFeed(database.url, users[(i + 1) % users.length], folder),
      await firstOfNothing(),
    ];
    if (i < 0) continue;
    feeds.push(feed);
    floors.push(floor);
  }
  const [taken, nothing] = [new Times(feeds), new Times(floors)];
  const figure = (name: string, q: number): Figure => ({
    what: `start of Deno to the first feed: ${name}`,
    value: taken.quantile(q),
    unit: "ms",
    floor: { what: `to the first answer of an empty function: ${name}`, value: nothing.quantile(q) },
    bar: { of: "value", must: "be at most", limit: 1000 },
  });
  return { figures: [figure("median", 0.5), figure(`slowest of ${starts}`, 1)] };
}

/** All functions are in one process here, so it loads more than a worker on the platform, which has one. */
async function firstFeed(databaseUrl: string, user: string, folder: string): Promise<number> {
  const begun = performance.now();
  const gateway = await startGateway({ databaseUrl, port: 0, folder });
  try {
    await askForFeed(gateway.url, await gateway.tokenOf(user));
    return performance.now() - begun;
  } finally {
    await gateway.stop();
  }
}

async function firstOfNothing(): Promise<number> {
  const begun = performance.now();
  const child = spawn(denoPath(), ["eval", empty], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    const [port] = await once(createInterface(child.stdout), "line");
    await (await fetch(`http://127.0.0.1:${port}`)).json();
    return performance.now() - begun;
  } finally {
    child.kill();
    await ended;
  }
}
