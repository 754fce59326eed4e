import type { ComponentChildren } from "preact";

interface FrameProps {
  /** Name of the view that is shown. */
  route: string;
  /** The views that there are, by route. */
  links: [route: string, text: string][];
  children: ComponentChildren;
}

/** What is around every view: the name of the page, and the way to the others; on a phone at the bottom, where a thumb is. */
export function Frame({ route, links, children }: FrameProps) {
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#feed">
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <rect width="32" height="32" rx="9" />
            <path d="M8 10h16M8 16h11M8 22h7" />
          </svg>
          Teamu
        </a>
        <nav aria-label="Views">
          {links.map(([name, text]) => (
            <a key={name} href={`#${name}`} aria-current={name === route ? "page" : undefined}>
              {text}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
