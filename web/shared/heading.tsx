import { useEffect, useRef } from "preact/hooks";

let isFirst = true;

/** A view's heading: it takes the focus when the view comes after another, so that a keyboard and a screen reader go on from there. */
export function Heading({ text }: { text: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = text;
    if (!isFirst) heading.current?.focus();
    isFirst = false;
  }, [text]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}
