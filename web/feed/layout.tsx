import type { ComponentChildren } from "preact";
import { Button, Views } from "../shared/elements.tsx";

interface FrameProps {
  /** Name of the view that is shown. */
  route: string;
  /** The views that there are, by route. */
  links: Record<string, string>;
  children: ComponentChildren;
}

/** What is around every view: the name of the page, and the way to the others; on a phone at the bottom, where a thumb is. */
export function Frame({ route, links, children }: FrameProps) {
  return (
    <>
      <Button class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </Button>
      <header class="top">
        <a class="brand" href="#feed">
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <rect width="32" height="32" rx="9" />
            <path d="M8 10h16M8 16h11M8 22h7" />
          </svg>
          Teamu
        </a>
        <Views route={route} links={links} />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** What stands where posts are about to be. */
export function Skeletons() {
  return (
    <div class="stack" role="status">
      <span class="hidden">Loading the feed</span>
      {[1, 2, 3, 4].map((n) => (
        <div key={n} class="card skeleton" aria-hidden="true">
          <i style={{ width: "30%" }} />
          <i style={{ width: "85%", height: "1.1rem" }} />
          <i style={{ width: "60%" }} />
        </div>
      ))}
    </div>
  );
}
