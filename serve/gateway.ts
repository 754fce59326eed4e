/** Runs the Edge Functions locally: the Deno gateway as a child process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, extname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { UserError } from "../db/user-error.ts";
import type { FirstTraining } from "../supabase/functions/_local/first-training.ts";
import { userToken } from "../supabase/functions/_local/user-token.ts";
import { type SigningKey, signingKey } from "./signing-key.ts";

export interface GatewayOptions {
  databaseUrl: string;
  /** A read replica of it, from which feeds take what is everybody's. */
  readUrl?: string | undefined;
  /** 0: any free port. */
  port?: number;
  /** Where the local signing key is kept. */
  folder?: string;
  /**
   * The folder of the built pages (web/build.ts), served at / beside stand-ins for Supabase Auth and PostgREST. The stand-ins let
   * any caller be any user, so a database of another machine gets the console alone, which asks for the secret key.
   */
  site?: string | undefined;
  /** How large V8's heap may become, in MB; left out: as large as it likes. The platform gives a worker 256. */
  heap?: number;
  /** The one function that is served, as a worker of the platform has one; left out: all of them, in one process. */
  only?: string;
  /** Hears every line that the functions write. */
  onLog?: (line: string) => void;
}

export interface Gateway {
  /** The address a supabase-js client takes as its project's. */
  url: string;
  /** An access token of a user, as Supabase Auth would give it; with `preview`, an operator's (see `userToken`). */
  tokenOf(userId: string, options?: { preview?: boolean }): Promise<string>;
  /** The publishable key of the local project, which a supabase-js client is made with. */
  publishableKey: string;
  /** The secret key of the local project, for the functions that are not for users. */
  secretKey: string;
  /** Whether the feed page is served. */
  servesFeedPage: boolean;
  /** The console's address with the secret key in it; undefined: no pages are served. */
  consoleUrl: string | undefined;
  /** Of the Deno that serves. */
  processId: number;
  /** Settles when the process ends by itself; with its exit status. */
  ended: Promise<number | null>;
  /** Has the feed page say how far the first model is. */
  tell(training: FirstTraining): void;
  stop(): Promise<void>;
}

/** What a supabase-js client of the local project is made with. */
export const publishableKey = "sb_publishable_local";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where the local signing key is kept: in the folder where the command runs, as the embedded database is. */
export const localProject = ".recsys";

/** Starts the gateway and waits until it serves. Throws one clear line when the port is taken or Deno cannot start. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { databaseUrl, port = 54321, folder = localProject, onLog = console.error } = options;
  const { readUrl, site, heap, only } = options;
  const isLocal = isOnThisMachine(databaseUrl);
  const key = await signingKey(folder);
  const secretKey = `sb_secret_${crypto.randomUUID()}`;
  const child = spawn(denoPath(), denoArguments(heap), {
    cwd: root,
    stdio: ["pipe", "pipe", "pipe"],
    // Ctrl-C in a terminal is for this process, which then ends the other in order
    detached: true,
    env: {
      ...environment(databaseUrl, port, key, secretKey),
      ...(readUrl && { RECSYS_REPLICA_URL: readUrl }),
      ...(only && { ONLY_FUNCTION: only }),
      ...(site && pagesEnvironment(site, isLocal && key)),
    },
  });
  const ended = once(child, "exit").then(([status]) => status as number | null);
  // it may have ended before it is told to
  child.stdin.on("error", () => undefined);
  const lines: string[] = [];
  let serves = false;
  createInterface(child.stderr).on("line", (line) => {
    // what is said before it serves is the reason why it does not
    if (serves) onLog(line);
    else lines.push(line);
  });
  const listening = await Promise.race([firstAddress(child), ended.then(() => undefined), failed(child)]);
  if (listening === undefined) throw new UserError(startFailure(port, lines));
  serves = true;
  const url = `http://localhost:${listening}`;
  return {
    url,
    tokenOf: (userId, options) => userToken(key, url, userId, options),
    publishableKey,
    secretKey,
    servesFeedPage: site !== undefined && isLocal,
    consoleUrl: site && `${url}/console/#key=${secretKey}`,
    processId: child.pid as number,
    ended,
    tell(training) {
      if (child.stdin.writable) child.stdin.write(`${JSON.stringify(training)}\n`);
    },
    async stop() {
      // the gateway ends with its standard input
      child.stdin.end();
      const forced = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(forced);
    },
  };
}

/**
 * The binary itself, in the package of this platform: node_modules/.bin/deno is a script around it, which a signal would end without ending Deno, and
 * where no install scripts run it is nowhere else.
 */
export function denoPath(): string {
  const ofDeno = createRequire(createRequire(import.meta.url).resolve("deno/package.json"));
  const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;
  return join(dirname(ofDeno.resolve(`@deno/${platform}/package.json`)), "deno");
}

function denoArguments(heap: number | undefined): string[] {
  const permissions = ["--allow-net", "--allow-env", "--allow-read", "--allow-sys", "--allow-ffi"];
  const limit = heap === undefined ? [] : [`--v8-flags=--max-heap-size=${heap}`];
  return [
    "run",
    "--no-prompt",
    ...limit,
    "--config",
    "deno.json",
    ...permissions,
    // in the package it is compiled, as this file is
    `supabase/functions/_local/gateway${extname(import.meta.url)}`,
  ];
}

/**
 * Told to glibc, which else keeps an arena for each thread and much that is free: over the feeds of 200 people a worker held 138 MB with both, and
 * 147 without. Other systems ignore it.
 */
const ofMalloc = { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: String(128 * 1024) };

/** Only what the functions need, so that nothing of the operator's own environment reaches them. */
function environment(databaseUrl: string, port: number, key: SigningKey, secretKey: string): NodeJS.ProcessEnv {
  const { HOME, PATH, DENO_DIR, TMPDIR } = process.env;
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME } = process.env;
  return {
    ...{ HOME, PATH, DENO_DIR, TMPDIR },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME },
    PORT: String(port),
    SUPABASE_DB_URL: databaseUrl,
    LOCAL_JWKS: JSON.stringify(key.jwks),
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ local: publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ local: secretKey }),
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    ...ofMalloc,
  };
}

/** Without a key that signs tokens there is the console alone. */
function pagesEnvironment(site: string, key: SigningKey | false): NodeJS.ProcessEnv {
  return { SITE_FOLDER: resolve(site), ...(key && { LOCAL_SIGNING_KEY: JSON.stringify(key.jwk) }) };
}

/** A tunnel looks like this machine too; behind it a real Supabase Auth is found by its tables (`hasRealAuth`). */
function isOnThisMachine(databaseUrl: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]", ""].includes(new URL(databaseUrl).hostname);
}

async function firstAddress(child: ChildProcess): Promise<number | undefined> {
  if (!child.stdout) return undefined;
  for await (const line of createInterface(child.stdout)) {
    const port = /^\{"listening":(\d+)\}$/.exec(line)?.[1];
    if (port) {
      // what comes later must not fill the pipe
      child.stdout.resume();
      return Number(port);
    }
  }
  return undefined;
}

async function failed(child: ChildProcess): Promise<never> {
  const [error] = await once(child, "error");
  throw new UserError(`Deno cannot start (${(error as Error).message}): run npm install again`);
}

function startFailure(port: number, lines: string[]): string {
  if (lines.some((line) => line.includes("AddrInUse")))
    return `port ${port} is taken: stop what listens there, or give another --port`;
  return `the functions do not start: ${lines.find((line) => /error/i.test(line)) ?? "no reason given"}`;
}
