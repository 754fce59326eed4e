/**
 * Exports spans to an OpenTelemetry collector (OTLP over HTTP, JSON); the hosted Deno has no OpenTelemetry of its own.
 * Spans are sent in the background and dropped on failure, so that no request waits for the collector.
 */

/** Maximum number of queued spans; a feed has ten. Further spans are dropped. */
const mostWaiting = 2_000;
/** Maximum length of text that the caller controls: a path may have 64 KB. */
const longestText = 200;
/** How long spans are batched before they are sent, in milliseconds. */
const gatheredFor = 1_000;
const sendTimeout = 3_000;

/** The span of a request and its parts. */
export interface Trace {
  /** Adds a part with its start and end, in milliseconds of performance.now(). */
  part(name: string, begun: number, ended: number): void;
  /** Ends the request's span; `code` is that of its error. */
  end(answer: { status: number; code: string | undefined; requestId: string; method: string; path: string }): void;
}

export interface Traces {
  /**
   * Starts the span of a request; `traceparent` is the header of W3C Trace Context.
   * Returns undefined if it disables sampling.
   */
  begin(name: string, traceparent: string | undefined): Trace | undefined;
}

export interface Collector {
  /** As OTEL_EXPORTER_OTLP_ENDPOINT: spans are sent to `<endpoint>/v1/traces`. */
  endpoint: string;
  /** As OTEL_EXPORTER_OTLP_HEADERS: `name=value,…`, percent-encoded. */
  headers?: string | undefined;
  /** As OTEL_SERVICE_NAME. */
  service?: string | undefined;
}

/** An exporter to a collector; `log` gets its failures, `keepAlive` a promise of each send. */
export function createTraceExporter(
  { endpoint, headers, service = "recsys" }: Collector,
  log: (code: string, cause: unknown) => void,
  keepAlive: (work: Promise<void>) => void,
): Traces {
  const url = `${endpoint.replace(/\/+$/, "")}/v1/traces`;
  let waiting: object[] = [];
  let dropped = 0;

  return {
    begin(name, traceparent) {
      const parent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? "");
      if (parent && (Number.parseInt(parent[3], 16) & 1) === 0) return undefined;
      const traceId = parent?.[1] ?? hex(16);
      const spanId = hex(8);
      const begun = performance.now();
      const parts: object[] = [];
      return {
        part: (name, begun, ended) =>
          void parts.push(
            spanOf({ traceId, spanId: hex(8), parentSpanId: spanId, name, kind: internal }, begun, ended),
          ),
        end({ status, code, requestId, method, path }) {
          const attributes = attributesOf({
            "http.request.method": method.slice(0, longestText),
            "url.path": path.slice(0, longestText),
            "http.response.status_code": status,
            "recsys.request_id": requestId,
            "error.type": code,
          });
          const span = { traceId, spanId, parentSpanId: parent?.[2], name, kind: server, attributes };
          add([
            { ...spanOf(span, begun, performance.now()), ...(status >= 500 && { status: { code: failed } }) },
            ...parts,
          ]);
        },
      };
    },
  };

  function add(spans: object[]): void {
    if (waiting.length + spans.length > mostWaiting) {
      dropped += spans.length;
      return;
    }
    waiting.push(...spans);
    if (waiting.length === spans.length) keepAlive(sendSoon());
  }

  async function sendSoon(): Promise<void> {
    await new Promise((later) => setTimeout(later, gatheredFor));
    const spans = waiting;
    waiting = [];
    const lost = dropped;
    dropped = 0;
    const resource = { attributes: attributesOf({ "service.name": service }) };
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "recsys" }, spans }] }] });
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headersOf(headers) },
        body,
        signal: AbortSignal.timeout(sendTimeout),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the collector answers ${response.status}`);
      if (lost > 0) log("spans_dropped", new Error(`${lost} spans: ${mostWaiting} waited already`));
    } catch (error) {
      log("spans_dropped", new Error(`${spans.length + lost} spans`, { cause: error }));
    }
  }
}

/** OTLP's numbers of the span kinds and of the error status. */
const internal = 1;
const server = 2;
const failed = 2;

function spanOf<Span extends object>(span: Span, begun: number, ended: number) {
  return { ...span, startTimeUnixNano: unixNano(begun), endTimeUnixNano: unixNano(ended) };
}

/** Nanoseconds since 1970 as text: they exceed a number's 53 bits. */
function unixNano(at: number): string {
  const microseconds = Math.round(1000 * (performance.timeOrigin + at));
  return `${microseconds}000`;
}

function attributesOf(values: Record<string, string | number | undefined>): object[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [{ key, value: typeof value === "number" ? { intValue: value } : { stringValue: value } }];
  });
}

function headersOf(list = ""): Record<string, string> {
  const pairs = list.split(",").map((pair) => pair.split("="));
  return Object.fromEntries(
    pairs.flatMap(([name, ...value]) =>
      name.trim() === "" ? [] : [[name.trim().toLowerCase(), decodeURIComponent(value.join("=").trim())]],
    ),
  );
}

function hex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
