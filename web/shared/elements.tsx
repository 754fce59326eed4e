import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { RecsysError } from "../../client/src/index.ts";

/** A button that sends no form. Of a double click on one that is pressed or not, the second would undo the first, and does nothing. */
export function Button({ onClick, ...props }: JSX.IntrinsicElements["button"]) {
  const isSwitch = props["aria-pressed"] !== undefined;
  const press: typeof onClick = (event) => {
    if (!isSwitch || event.detail < 2) onClick?.(event);
  };
  return <button type="button" {...props} onClick={press} />;
}

interface FormProps extends Omit<JSX.IntrinsicElements["form"], "onSubmit"> {
  onSend(): void;
}

/** A form that its page sends. */
export function Form({ onSend, ...props }: FormProps) {
  const submit = (event: Event) => {
    event.preventDefault();
    onSend();
  };
  return <form class="card" {...props} onSubmit={submit} />;
}

type TextFieldProps = Omit<JSX.IntrinsicElements["input"] & JSX.IntrinsicElements["textarea"], "onInput"> & {
  label: string;
  hint?: string;
  isLong?: boolean;
  onText?(text: string): void;
};

/** A field of text below its label. */
export function TextField({ label, hint, isLong = false, onText, ...props }: TextFieldProps) {
  const Field = isLong ? "textarea" : "input";
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: its field is in it
    <label>
      {label} {hint && <small>{hint}</small>}
      <Field
        dir="auto"
        {...props}
        onInput={(event: InputEvent) => onText?.((event.currentTarget as HTMLInputElement).value)}
      />
    </label>
  );
}

/** A radio button or checkbox with a label that can be clicked. */
export function CheckField({ children, ...props }: JSX.IntrinsicElements["input"] & { type: "radio" | "checkbox" }) {
  return (
    <label class="check">
      <input {...props} />
      <span>{children}</span>
    </label>
  );
}

/** Facts or figures, each below or next to what it is. */
export function FactList({ facts, ...props }: { class: string; facts: [what: string, fact: ComponentChildren][] }) {
  return (
    <dl {...props}>
      {facts.map(([what, fact], i) => (
        <div key={i}>
          <dt>{what}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ViewsProps {
  /** Name of the view that is shown. */
  route: string;
  /** What the views are called, by route. */
  links: Record<string, string>;
}

/** The way to all views. */
export function Views({ route, links }: ViewsProps) {
  return (
    <nav aria-label="Views">
      {Object.entries(links).map(([name, text]) => (
        <a key={name} href={`#${name}`} aria-current={name === route ? "page" : undefined}>
          {text}
        </a>
      ))}
    </nav>
  );
}

let isFirst = true;

interface HeadingProps {
  text: string;
  /** The view goes on where its reader left it, and takes the focus there itself. */
  goesOn?: boolean;
}

/** A view's heading: when the view comes after another, it begins at its top, and a keyboard and a screen reader go on from here. */
export function Heading({ text, goesOn = false }: HeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = text;
    if (!isFirst && !goesOn) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst = false;
  }, [text]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}

interface TroubleProps {
  error: unknown;
  again?: (() => void) | undefined;
  /** What its button says. */
  how?: string;
}

/** Says what went wrong, aloud to a screen reader, and offers to ask again. */
export function Trouble({ error, again, how = "Ask again" }: TroubleProps) {
  return (
    <div class="trouble" role="alert">
      <p>{explain(error)}</p>
      {again && <Button onClick={again}>{how}</Button>}
    </div>
  );
}

const offline = "You are offline.";

/** An error in words for users of the page. */
function explain(error: unknown): string {
  if (error instanceof RecsysError) {
    if (error.code === "too_many_requests")
      return `That was a lot at once. Ask again in ${error.retryAfter ?? 60} seconds.`;
    if (error.code === "unreachable" && !navigator.onLine) return offline;
    if (error.code === "unreachable" || (error.status ?? 0) >= 500) return "The recommender does not answer right now.";
    return error.message;
  }
  const { message } = error as { message?: string };
  if (!message || /fetch/i.test(message)) return navigator.onLine ? "The server does not answer right now." : offline;
  return message;
}
