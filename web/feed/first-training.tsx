import { useEffect, useRef, useState } from "preact/hooks";
import type { FirstTraining } from "../../supabase/functions/_local/first-training.ts";
import { useProject } from "../shared/project.ts";
import { useTheFeed } from "./use-feed.ts";

const everyMilliseconds = 1000;
/** So often the feed is asked for again until the new model makes it: functions that serve already learn of it a moment later. */
const mostTries = 20;

/** Shows the progress of the first training and reloads the feed once its model serves. Only on the local machine. */
export function TrainingBar() {
  const training = useFirstTraining();
  const isNew = useNewModel(training);
  const { error, busy, retry } = useTheFeed();
  const hasFailed = training?.state === "running" && error !== undefined && busy === undefined;
  useEffect(() => {
    if (!hasFailed) return undefined;
    // another request held the embedded database's only session for too long
    const timer = setTimeout(() => void retry(), 2 * everyMilliseconds);
    return () => clearTimeout(timer);
  }, [hasFailed, retry]);
  if (training?.state === "failed")
    return (
      <p class="boxed warn" role="status">
        Your model could not be trained: {training.reason}
      </p>
    );
  if (training?.state === "running") {
    const percent = Math.floor(100 * training.share);
    return (
      <section class="card stack training" aria-labelledby="training">
        <div class="row spread">
          <strong id="training">Your model is being trained, {percent} %</strong>
          <span class="soft small">{training.step}</span>
        </div>
        <progress max={100} value={percent} aria-labelledby="training" />
        <p class="hint">Until then you see what is fresh and popular here. Then the feed becomes your own by itself.</p>
      </section>
    );
  }
  if (!isNew) return null;
  return (
    <p class="boxed good" role="status">
      Your model is trained: from here on it makes your feed.
    </p>
  );
}

/** Polls the progress of `npm start` every second until it ends. */
function useFirstTraining(): FirstTraining | undefined {
  const { config } = useProject();
  const [training, setTraining] = useState<FirstTraining>();
  useEffect(() => {
    if (!config.members) return;
    const ended = new AbortController();
    const { signal } = ended;
    let timer: ReturnType<typeof setTimeout>;
    async function ask() {
      const response = await fetch(`${config.url}/local/first-training`, { signal }).catch(() => undefined);
      const told: FirstTraining | undefined = response?.ok ? await response.json().catch(() => undefined) : undefined;
      if (signal.aborted) return;
      if (told) setTraining(told);
      // without an answer it may be started again just now
      if (!told || told.state === "running") timer = setTimeout(ask, everyMilliseconds);
    }
    void ask();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [config]);
  return training;
}

/** Asks for the feed again where one without a model is shown and the first serves by now; whether that has come. */
function useNewModel(training: FirstTraining | undefined): boolean {
  const { feed, busy, error, refresh } = useTheFeed();
  const [isNew, setIsNew] = useState(false);
  const tries = useRef(0);
  const isDone = training?.state === "done";
  useEffect(() => {
    if (!isDone || !feed || busy) return;
    if (feed.model) setIsNew(tries.current > 0);
    else if (error === undefined && tries.current < mostTries) {
      const timer = setTimeout(() => void refresh(), tries.current++ === 0 ? 0 : everyMilliseconds);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [isDone, feed, busy, error, refresh]);
  return isNew;
}
