/**
 * Framework of the Edge Functions: CORS, authentication, limits of body and time, error answers, and work after the
 * answer. A function declares its callers, its input and its answer.
 */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import { timeout } from "hono/timeout";
import { setMetric, timing } from "hono/timing";
import { type Admission, admissionControl, maxConcurrentRequests } from "./admission-control.ts";
import { apiVersion, apiVersionHeader, requestIdHeader } from "./api.ts";
import { isVisitor, refuseForeignKey, requireSecretKey } from "./api-keys.ts";
import { bearerToken, type Claims, type Verify } from "./auth.ts";
import { type BackgroundQueue, type BackgroundTask, createBackgroundQueue } from "./background-queue.ts";
import { type CallerRequest, request, requestOfCaller } from "./caller-request.ts";
import { AppError, toAppError } from "./errors.ts";
import { createIdleQueue, type IdleQueue } from "./idle-queue.ts";
import type { Log } from "./log.ts";
import { schemaVersion, versionHeader } from "./schema-version.ts";
import type { Span } from "./span.ts";
import type { Trace, Traces } from "./traces.ts";
import { createVisitorRateLimiter } from "./visitor-rate-limit.ts";

/** `Services`: what the function's index opens once per worker, such as a pool. */
export type EdgeFunction<Input, Services = Logging> = UserFunction<Input, Services> | ServiceFunction<Input, Services>;

/** A function for users: the caller sends the access token as `Authorization: Bearer …`. */
export interface UserFunction<Input, Services = Logging> extends Reading<Input> {
  callers: "users";
  /** Returns the answer, sent as JSON. Throws AppError. */
  answer(input: Input, call: UserCall, services: Services): Promise<unknown>;
  /** Answers a visitor, who has not signed in; without it visitors get a 401. Throws AppError. */
  answerVisitor?(input: Input, call: VisitorCall, services: Services): Promise<unknown>;
}

/**
 * A function for the project itself (`service`), called with a secret key as `apikey`, for example by scheduled jobs;
 * or one without authentication (`anyone`), whose answer must not depend on the caller.
 */
export interface ServiceFunction<Input, Services = Logging> extends Reading<Input> {
  callers: "service" | "anyone";
  /** Returns the answer, sent as JSON. Throws AppError. */
  answer(input: Input, call: Call, services: Services): Promise<unknown>;
}

interface Reading<Input> {
  /** Name of its folder, and its path. */
  name: string;
  maximumBodyBytes: number;
  /** Parsers of the input of each allowed method. They throw AppError 400. */
  read: { POST?: (body: string) => Input; GET?: (query: URLSearchParams) => Input };
}

/** A request of an authorised caller. */
export interface Call {
  /**
   * Queues work for after the answer, behind that of earlier answers. Best effort: a failed or dropped item is logged
   * under the task's code, and the caller does not notice.
   */
  afterAnswer<Item>(work: BackgroundTask<Item>, item: Item): void;
  /** The same for less important work: it is dropped if the worker has no idle time within two seconds. */
  inSpareTime<Item>(work: BackgroundTask<Item>, item: Item): void;
  /** Waits for `milliseconds`; resolves to false at once if another request takes the slot. */
  pause(milliseconds: number): Promise<boolean>;
  span: Span;
}

/** A request of a user with a valid token. */
export interface UserCall extends Call {
  claims: Claims;
}

/** A request of a visitor, who has not signed in. */
export interface VisitorCall extends Call {
  sent: CallerRequest;
}

/** Services that every function has. */
export interface Logging {
  /** Logs an error together with the request's id. */
  log: Log;
}

/** Services and settings of the host, the same for every function. */
export interface Host extends Logging {
  verify: Verify;
  /** The project's secret keys; if empty, functions for the project itself reject every call. */
  secretKeys: readonly string[];
  /** The project's publishable keys, which identify visitors. */
  publishableKeys: readonly string[];
  /** Origins whose pages may read answers; "*" for any. */
  origins: readonly string[] | "*";
  /** Exporter of traces; undefined if there is none. */
  traces?: Traces | undefined;
  /** Keeps the worker alive until background work ends. */
  keepAlive: (work: Promise<void>) => void;
}

interface Environment {
  Variables: {
    later?: Later;
    requestId: string;
    begun: number;
    admission: Admission;
    isVisitor: boolean;
    trace?: Trace | undefined;
    code?: string;
  };
}

/** Last resort in milliseconds; every part of a request has a shorter limit. */
const deadlineMilliseconds = 15_000;

const headersOfAll = { "cache-control": "no-store", [apiVersionHeader]: apiVersion, [versionHeader]: schemaVersion };

/** Yields to the host's event loop once. A message takes 0.03 ms, a timer 1 ms. */
function hostsTurn(): Promise<void> {
  return new Promise((turn) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      turn();
    };
    port2.postMessage(null);
  });
}

type Later = ((background: BackgroundQueue, spareTime: IdleQueue) => void)[];

/** Builds the function as a Hono app, which runs on any host. */
export function createApp<Input, Services>(
  edgeFunction: EdgeFunction<Input, Services>,
  services: Host & Services,
): Hono<Environment> {
  const { name, read, maximumBodyBytes } = edgeFunction;
  const origin = services.origins === "*" ? "*" : [...services.origins];
  const methods = Object.keys(read);
  const background = createBackgroundQueue(services.log, services.keepAlive);
  const admissions = admissionControl();
  // idle means that one slot stays free for the next request
  const spareTime = createIdleQueue(
    services.log,
    services.keepAlive,
    () => admissions.waiting() > maxConcurrentRequests - 2,
  );
  const allowances = createVisitorRateLimiter();
  const limited = bodyLimit({ maxSize: maximumBodyBytes, onError: tooLarge });
  const tooSlow = new AppError(504, "timeout", "this took too long; try again");
  const app = new Hono<Environment>({ strict: false }).basePath(`/${name}`);
  const exposeHeaders = [apiVersionHeader, requestIdHeader, "retry-after", "server-timing"];
  app.use(cors({ origin, allowMethods: methods, exposeHeaders, maxAge: 86_400 }));
  app.use(requestId({ headerName: requestIdHeader, limitLength: 64 }));
  app.use(timing({ crossOrigin: true }));
  app.use(admitted);
  app.use(traced);
  app.use(workAfterAnswer);
  app.use(timeout(deadlineMilliseconds, new HTTPException(504, { cause: tooSlow })));
  const { GET, POST } = read;
  if (GET) app.get("/", (c) => answer(c, () => GET(new URL(c.req.url).searchParams)));
  if (POST) app.post("/", (c) => answer(c, async () => POST(await c.get("admission").receive(() => bodyOf(c)))));
  app.all("/", () => {
    throw new AppError(405, "method_not_allowed", `call this with ${methods.join(" or ")}`);
  });
  app.notFound(() => failure(new AppError(404, "not_found", `there is nothing here: call /${name}`)));
  app.onError((thrown, c) => {
    const error = toAppError(thrown instanceof HTTPException ? thrown.cause : thrown);
    c.set("code", error.code);
    if (error.status >= 500 || error.code === "overloaded") logOf(c)(error.code, error.cause ?? error);
    return failure(error);
  });
  return app;

  async function answer(c: Context<Environment>, input: () => Input | Promise<Input>): Promise<Response> {
    const span: Span = (name) => {
      const begun = performance.now();
      return () => {
        const ended = performance.now();
        setMetric(c, name, ended - begun);
        c.get("trace")?.part(name, begun, ended);
      };
    };
    const admitted = span("admission");
    const answerOf = await admit(c, { ...services, log: logOf(c) });
    admitted();
    const later: Later = [];
    const body = await answerOf(await input(), {
      span,
      afterAnswer: (work, item) => void later.push((background) => background.add(work, item)),
      inSpareTime: (work, item) => void later.push((_, spareTime) => spareTime.add(work, item)),
      pause: (milliseconds) => c.get("admission").pause(milliseconds),
    });
    c.set("later", later);
    return c.json(body as object, 200, headersOfAll);
  }

  /** Reads the body; fails with 400 if the connection breaks off. */
  async function bodyOf(c: Context<Environment>): Promise<string> {
    let body = "";
    try {
      await limited(c, async () => {
        body = await c.req.text();
      });
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError(400, "malformed_json", "the request body ended early", error);
    }
    return body;
  }

  /** Authenticates the caller before the body is read; returns the handler of the input. */
  async function admit(
    c: Context<Environment>,
    services: Host & Services,
  ): Promise<(input: Input, call: Call) => Promise<unknown>> {
    const { headers } = c.req.raw;
    const sent = requestOfCaller(c.req.raw, c.req.path);
    if (edgeFunction.callers === "users") {
      const { answerVisitor } = edgeFunction;
      if (answerVisitor && c.get("isVisitor")) {
        allowances.take(headers);
        return (input, call) => answerVisitor(input, { ...call, sent }, services);
      }
      if (answerVisitor) refuseForeignKey(headers, services.publishableKeys);
      const verified = await services.verify(bearerToken(headers.get("authorization") ?? undefined));
      const claims = { ...verified, [request]: sent };
      c.get("admission").belongTo(claims.sub);
      return (input, call) => edgeFunction.answer(input, { ...call, claims }, services);
    }
    if (edgeFunction.callers === "service") await requireSecretKey(headers.get("apikey"), services.secretKeys);
    return (input, call) => edgeFunction.answer(input, call, services);
  }

  /** A log that adds the request's id and duration. */
  function logOf(c: Context<Environment>): Log {
    return (code, cause) =>
      services.log(code, cause, {
        request_id: c.get("requestId"),
        duration_ms: Math.round(performance.now() - c.get("begun")),
      });
  }

  async function traced(c: Context<Environment>, next: () => Promise<void>): Promise<void> {
    const trace = services.traces?.begin(name, c.req.header("traceparent"));
    c.set("trace", trace);
    await next();
    const [requestId, code] = [c.get("requestId"), c.get("code")];
    trace?.end({ status: c.res.status, code, requestId, method: c.req.method, path: c.req.path });
  }

  /** Load shedding, before all else, so that a refused request costs little. */
  async function admitted(c: Context<Environment>, next: () => Promise<void>): Promise<void> {
    c.set("begun", performance.now());
    const answersVisitors = edgeFunction.callers === "users" && edgeFunction.answerVisitor !== undefined;
    c.set("isVisitor", answersVisitors && isVisitor(c.req.raw.headers, services.publishableKeys));
    const admission = admissions.admit(c.get("isVisitor"));
    c.set("admission", admission);
    try {
      await next();
    } finally {
      admission.leave(c.res.status === 200);
    }
  }

  /**
   * Starts the queued work, unless the caller left before the answer or it failed. The signal must be checked before
   * the answer is sent: Deno aborts it for every request that ends (denoland/deno#27005).
   */
  async function workAfterAnswer(c: Context<Environment>, next: () => Promise<void>): Promise<void> {
    // Deno observes the connection only once the signal has been read
    const { signal } = c.req.raw;
    await next();
    const later = c.get("later") ?? [];
    // HEAD returns only headers, so it shows nothing to log
    if (c.res.status !== 200 || later.length === 0 || c.req.method === "HEAD") return;
    await hostsTurn();
    if (signal.aborted) return;
    for (const add of later) add(background, spareTime);
  }

  function tooLarge(): never {
    throw new AppError(413, "body_too_large", `the body is larger than ${maximumBodyBytes / 1024} KB`);
  }

  function failure(error: AppError): Response {
    const headers: Record<string, string> = { ...headersOfAll };
    if (error.status === 401 && edgeFunction.callers === "users") headers["www-authenticate"] = "Bearer";
    if (error.status === 405) headers.allow = [...methods, "OPTIONS"].join(", ");
    const retryAfter = error.retryAfter ?? (error.status === 503 ? 5 : undefined);
    if (retryAfter) headers["retry-after"] = String(retryAfter);
    return Response.json({ error: { code: error.code, message: error.message } }, { status: error.status, headers });
  }
}
