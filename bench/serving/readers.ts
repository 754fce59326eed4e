/** People of a made-up community who ask for their feeds over HTTP. Client, function (Deno) and database share the machine. */
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text as readText } from "node:stream/consumers";
import { startGateway } from "../../serve/gateway.ts";
import { Random } from "../../trainer/models/nn/random.ts";

/** How many different people ask, in turn, at most; a tenth of them has asked before. */
const people = 500;

interface Readers {
  /** Asks for the feed of the number-th of them; what the function's header Server-Timing says. Throws unless it is a whole page. */
  ask(number: number): Promise<string>;
}

/** Serves the functions on a database, or a pooler before it, for some work; the first requests have been made by then. `readUrl`: the same of a replica. */
export async function withReaders<Result>(
  databaseUrl: string,
  users: string[],
  folder: string,
  work: (readers: Readers) => Promise<Result>,
  readUrl?: string,
): Promise<Result> {
  const random = new Random(2);
  const gateway = await startGateway({ databaseUrl, readUrl, port: 0, folder });
  try {
    const tokens = await Promise.all(
      Array.from({ length: Math.min(people, users.length) }, () => gateway.tokenOf(users[random.below(users.length)])),
    );
    const ask = (number: number) => askForFeed(gateway.url, tokens[number % tokens.length]);
    for (let i = 0; i < tokens.length / 10; i++) await ask(i);
    return await work({ ask });
  } finally {
    await gateway.stop();
  }
}

/** Asks for a feed of 20 posts; the answer's header Server-Timing. Throws where it is anything else than a whole page. */
export async function askForFeed(url: string, token: string): Promise<string> {
  const { statusCode, headers, text } = await post(`${url}/functions/v1/recommend`, token, '{"limit":20}');
  if (statusCode !== 200 || JSON.parse(text).items.length !== 20)
    throw new Error(`${statusCode} ${text.slice(0, 300)}`);
  return String(headers["server-timing"] ?? "");
}

const connections = new Agent({ keepAlive: true });

/** What asks shares the cores with what answers: `fetch` takes 0.9 ms of them for a request, this 0.4. */
async function post(url: string, token: string, body: string) {
  const asked = request(url, {
    method: "POST",
    agent: connections,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
  });
  asked.end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { statusCode: response.statusCode, headers: response.headers, text: await readText(response) };
}
