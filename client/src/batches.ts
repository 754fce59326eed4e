import { mostEvents } from "./limits.ts";
import type { Event } from "./types.ts";

/** 256 KB, less what is around the events. */
const mostBytes = 256 * 1024 - 1024;

/** The events in their order, in as few batches as the function takes. */
export function batchesOf(events: readonly Event[], bytesAtMost = mostBytes): Event[][] {
  const batches: Event[][] = [];
  const encoder = new TextEncoder();
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of events) {
    const size = encoder.encode(JSON.stringify(event)).length + 1;
    bytes += size;
    if (bytes > bytesAtMost || batches[batches.length - 1].length === mostEvents) {
      batches.push([]);
      bytes = size;
    }
    batches[batches.length - 1].push(event);
  }
  return batches;
}
