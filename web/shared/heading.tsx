import { useEffect, useRef } from "preact/hooks";

/** A view's heading: it takes the focus when the view comes, so that a keyboard and a screen reader go on from there. */
export function Heading({ text, takesFocus = true }: { text: string; takesFocus?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = text;
    if (takesFocus) heading.current?.focus();
  }, [text, takesFocus]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}
