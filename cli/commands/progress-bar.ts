/** Draws the progress of long steps on standard error: a bar in a terminal, elsewhere a line per finished step, and one every ten seconds of it. */
import cliProgress from "cli-progress";
import type { OnProgress } from "../../db/progress.ts";

/** Milliseconds after which a step that goes on says so where no bar is drawn. */
const saidEvery = 10_000;

/** One bar at a time: a step that begins ends the one before. `every`: milliseconds between two lines of a step. */
export function progressBars(every = saidEvery) {
  const bar = new cliProgress.SingleBar(
    {
      format: "{step} {bar} {percentage}% of {total} | {duration_formatted}",
      barsize: 24,
      hideCursor: true,
      linewrap: false,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  );
  const terminal = process.stderr.isTTY;
  let open = "";
  let started = 0;
  let said = 0;
  let latest = { done: 0, total: 0 };
  let first = 0;
  // a step that is one long statement tells nothing meanwhile
  let timer: NodeJS.Timeout | undefined;
  const say = (how: string) => process.stderr.write(`${open.padEnd(26)} ${seconds(started)}  ${how}\n`);
  const sayHowFar = () => {
    if (performance.now() - said < every) return;
    said = performance.now();
    const { done, total } = latest;
    const left = done > first && total > done ? ((said - started) * (total - done)) / (done - first) : undefined;
    say(`${done} of ${total} so far${left === undefined ? "" : `, about ${duration(left)} left`}`);
  };
  /** Ends the bar that is open, so that other output starts on a line of its own. */
  const stop = () => {
    if (!open) return;
    clearInterval(timer);
    if (terminal) bar.stop();
    else say(`${latest.done} of ${latest.total}`);
    open = "";
  };
  const onProgress: OnProgress = ({ step, done, total = done }) => {
    if (step !== open) {
      stop();
      open = step;
      started = performance.now();
      said = started;
      first = done;
      if (!terminal) timer = setInterval(sayHowFar, every / 10).unref();
      if (terminal) bar.start(total, done, { step: step.padEnd(26) });
    }
    latest = { done, total };
    if (terminal) {
      bar.setTotal(total);
      bar.update(done);
    } else sayHowFar();
  };
  return { onProgress, stop };
}

/** Whole minutes from two on, seconds below. */
function duration(milliseconds: number): string {
  const left = Math.ceil(milliseconds / 1000);
  return left < 120 ? `${left} s` : `${Math.ceil(left / 60)} min`;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`.padStart(8);
}
