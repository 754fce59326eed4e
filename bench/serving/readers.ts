/** People of a made-up community who ask for their feeds over HTTP. Client, function (Deno) and database share the machine. */
import { Random } from "../../trainer/engine/random.ts";
import { startGateway } from "../../trainer/serve/gateway.ts";

/** How many different people ask, in turn. */
const people = 500;
const warmUps = 50;

export interface Readers {
  /** Asks for the feed of the number-th of them; what the function's header Server-Timing says. Throws unless it is a whole page. */
  ask(number: number): Promise<string>;
}

/** Serves the functions on a database, or a pooler before it, for some work; the first requests have been made by then. */
export async function withReaders<Result>(
  databaseUrl: string,
  users: string[],
  folder: string,
  work: (readers: Readers) => Promise<Result>,
): Promise<Result> {
  const random = new Random(2);
  const gateway = await startGateway({ databaseUrl, port: 0, folder });
  try {
    const tokens = await Promise.all(
      Array.from({ length: people }, () => gateway.tokenOf(users[random.below(users.length)])),
    );
    const ask = (number: number) => askForFeed(gateway.url, tokens[number % people]);
    for (let i = 0; i < warmUps; i++) await ask(i);
    return await work({ ask });
  } finally {
    await gateway.stop();
  }
}

/** Asks for a feed of 20 posts; the answer's header Server-Timing. Throws where it is anything else than a whole page. */
export async function askForFeed(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/functions/v1/recommend`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: '{"limit":20}',
  });
  const text = await response.text();
  if (response.status !== 200 || JSON.parse(text).items.length !== 20)
    throw new Error(`${response.status} ${text.slice(0, 300)}`);
  return response.headers.get("server-timing") ?? "";
}
