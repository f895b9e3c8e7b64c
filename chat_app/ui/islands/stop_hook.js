// The button that is Send and becomes Stop, as a React hook.
import { useEffect, useRef } from "react";
import { stop as stopAnswers } from "./stop.js";

const SECOND_TAP_MS = 400;

/** `running` are the answers here, `aside` those beside them, `isUnderWay` says that a question is on its way to the server. */
export function useStop(running, aside, isUnderWay) {
  // What is under way to the server cannot be stopped there yet: it will be, as soon as it runs.
  const isUnwanted = useRef(false);
  const canStop = running.length > 0 || isUnderWay;
  const stop = () => {
    if (running.length || aside.length) stopAnswers([...running, ...aside]);
    else isUnwanted.current = true;
  };
  const tappedAt = useRef(0);
  const tapSend = (submit) => {
    tappedAt.current = Date.now();
    submit();
  };
  const tapStop = () => Date.now() - tappedAt.current < SECOND_TAP_MS || stop(); // a second tap falls where Send became Stop
  useEffect(() => {
    const isHere = running.length > 0 || aside.length > 0; // of several the first may have ended already
    if (isHere && isUnwanted.current) stopAnswers([...running, ...aside]);
    if (isHere || !isUnderWay) isUnwanted.current = false;
  }, [running, aside, isUnderWay]);
  return { canStop, stop, tapSend, tapStop };
}
