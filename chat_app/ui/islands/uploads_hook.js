// The files that go with the next message, as a React hook: whether they can go, and what is to be said of them.
import { useEffect, useState, useSyncExternalStore } from "react";
import { number, t } from "./i18n.js";
import { isBeingHeard, onTranscripts } from "./transcripts.js";
import { attach, stateOf } from "./uploads.js";

export function useFiles(id, files, most) {
  const [wish, wishFor] = useState(""); // what could not be done: "room" for more of them, a "folder", or to "send"
  useEffect(() => wishFor(""), [id]);
  const isHearing = useSyncExternalStore(onTranscripts, () => files.some(({ key }) => isBeingHeard(key))); // whose words are to come
  const states = files.map(stateOf);
  const isTooMany = files.length > most; // where words came back to others that had files, too
  const isReady = states.every((state) => state === "here") && !isTooMany && !isHearing;
  const sentences = {
    folder: t("files.folder"),
    room: files.length >= most && t("file.many", { most: number(most) }),
    send: !isReady && (isTooMany ? t("file.many", { most: number(most) }) : t(isHearing ? "files.hearing" : states.some((state) => state === "under way" || state === "elsewhere") ? "files.wait" : "files.unready")),
  };
  const take = (given, hasFolder) => wishFor(attach(id, given, most).length < given.length ? "room" : hasFolder ? "folder" : "");
  return { isReady, said: sentences[wish] || "", take, hurry: () => wishFor("send") };
}
