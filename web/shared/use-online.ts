import { useEffect, useState } from "preact/hooks";

/** Whether the browser has a network. One that says so may still reach nobody; one that denies it is right. */
export function useOnline(onBack?: () => void): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => {
      setOnline(navigator.onLine);
      if (navigator.onLine) onBack?.();
    };
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, [onBack]);
  return isOnline;
}
