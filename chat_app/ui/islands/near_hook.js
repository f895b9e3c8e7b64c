// What costs much to draw is drawn once it nears the view, and stays.
import { useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";

/** A reference for the element, and whether it has been within so far of the view, such as "400px". */
export function useNear(margin) {
  const ref = useRef(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    if (isNear) return undefined;
    const watch = new IntersectionObserver((seen) => seen.some((e) => e.isIntersecting) && setNear(true), { rootMargin: margin });
    watch.observe(ref.current);
    const onPrint = () => flushSync(() => setNear(true)); // the browser takes the page as it stands after this
    addEventListener("beforeprint", onPrint);
    return () => {
      watch.disconnect();
      removeEventListener("beforeprint", onPrint);
    };
  }, [isNear]);
  return [ref, isNear];
}
