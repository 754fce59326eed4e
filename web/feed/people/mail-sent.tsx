import { useEffect, useRef } from "preact/hooks";

export interface Sent {
  what: "confirmation" | "link" | "reset";
  /** The address. */
  to: string;
}

/** The same for every address, whoever has an account with it. */
const said: Record<Sent["what"], (to: string) => string> = {
  confirmation: (to) =>
    `If ${to} is new here, an e-mail is on its way to it: follow the link, and you are in. If not, go back and sign in.`,
  link: (to) => `If one can sign in with ${to}, an e-mail is on its way to it: follow the link, and you are in.`,
  reset: (to) =>
    `If there is an account with ${to}, an e-mail is on its way to it, with a link for setting a new password.`,
};

/** Where to look for an e-mail, and what to do with it. */
export function MailSent({ sent, onBack }: { sent: Sent; onBack(): void }) {
  const text = useRef<HTMLParagraphElement>(null);
  // the button that was pressed is gone
  useEffect(() => text.current?.focus(), []);
  return (
    <section class="card stack" aria-label="Look into your e-mails">
      <p ref={text} tabIndex={-1} role="status">
        {said[sent.what](sent.to)}
      </p>
      <p class="hint">
        Nothing there after a few minutes? Look into the folder for spam, or go back and ask once more.
      </p>
      <div class="row">
        <button type="button" onClick={onBack}>
          Back
        </button>
      </div>
    </section>
  );
}
