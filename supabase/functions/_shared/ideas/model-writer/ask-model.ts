/** Asks a language model, with limits on time and size. */

import { chatRequest, type Subject } from "./chat-request.ts";
import type { Endpoint } from "./endpoint.ts";
import { ideasIn, type WrittenIdea } from "./reply.ts";

/** Timeout in milliseconds, for which the user waits. */
export const patience = 6_000;
/** Maximum size of an answer in bytes; five ideas have about 2 KB. */
const longestAnswer = 64 * 1024;

/** Returns the model's ideas on a subject. Throws if it is too slow, sends too much, or no idea is valid. */
export async function askModel(
  endpoint: Endpoint,
  subject: Subject,
  isKnownName: (word: string) => boolean,
  milliseconds = patience,
): Promise<WrittenIdea[]> {
  const response = await fetch(`${endpoint.url}/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(endpoint.key && { authorization: `Bearer ${endpoint.key}` }),
    },
    body: JSON.stringify(chatRequest(endpoint, subject)),
    // a redirect must not receive the key
    redirect: "error",
    signal: AbortSignal.timeout(milliseconds),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the language model answers with status ${response.status}`);
  }
  const ideas = ideasIn(await textOf(response), isKnownName);
  if (ideas.length === 0) throw new Error("the language model gave no idea of use");
  return ideas;
}

async function textOf({ body }: Response): Promise<string> {
  if (!body) throw new Error("the language model answers with nothing");
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let [text, bytes] = ["", 0];
  // leaving the loop closes the connection
  for await (const part of body) {
    bytes += part.length;
    if (bytes > longestAnswer) throw new Error(`the language model answers with more than ${longestAnswer / 1024} KB`);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}
