/** Draws the progress of long steps on standard error: a bar in a terminal, elsewhere a line per finished step, and one every ten seconds meanwhile. */
import cliProgress from "cli-progress";
import type { OnProgress } from "../../db/progress.ts";

/** Milliseconds after which a step that goes on says so where no bar is drawn. */
const saidEvery = 10_000;

/** One bar at a time: a step that begins ends the one before. */
export function progressBars() {
  const bar = new cliProgress.SingleBar(
    {
      format: "{step} {bar} {percentage}% of {total} | {duration_formatted}{left}",
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
  const say = (how: string) => process.stderr.write(`${open.padEnd(26)} ${seconds(started)}  ${how}\n`);
  /** Ends the bar that is open, so that other output starts on a line of its own. */
  const stop = () => {
    if (!open) return;
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
      if (terminal) bar.start(total, done, { step: step.padEnd(26), left: "" });
    }
    latest = { done, total };
    if (terminal) {
      bar.setTotal(total);
      bar.update(done, { left: timeLeft(started, done, total) });
    } else if (performance.now() - said >= saidEvery) {
      said = performance.now();
      say(`${done} of ${total}${timeLeft(started, done, total)}`);
    }
  };
  return { onProgress, stop };
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`.padStart(8);
}

/** The time that a step still takes if it goes on as fast; nothing where that cannot be known. */
function timeLeft(since: number, done: number, total: number): string {
  if (done <= 0 || total <= done) return "";
  const left = ((performance.now() - since) / 1000) * ((total - done) / done);
  return left < 90 ? `, ${Math.ceil(left)} s left` : `, ${Math.ceil(left / 60)} min left`;
}
