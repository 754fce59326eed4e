/** Asks a language model, for so long and so much and no more. */

import { chatRequest, type Subject } from "./chat-request.ts";
import type { Endpoint } from "./endpoint.ts";
import { ideasIn, type WrittenIdea } from "./reply.ts";

/** Milliseconds; whoever asked waits so long. */
export const patience = 6_000;
/** Bytes of an answer that are read: five ideas are 2 KB. */
const longestAnswer = 64 * 1024;

/** Its ideas on a subject. Throws where it does not answer in time, says too much, or says nothing of use. */
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
    // the key must not follow to another address
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
  // leaving the loop ends the connection
  for await (const part of body) {
    bytes += part.length;
    if (bytes > longestAnswer) throw new Error(`the language model answers with more than ${longestAnswer / 1024} KB`);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}
