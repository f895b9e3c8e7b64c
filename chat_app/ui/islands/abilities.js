// What the files of a message ask of a model, and what models say that they can.

/** "image audio": what a model must be able to take for these files to go as they are, or as text where that is known; one
 * text, so that it compares. */
export const needsOf = (files) => ["image", "audio"].filter((need) => files.some(({ media_type: kind, isHeard }) => !isHeard && kind.startsWith(`${need}/`))).join(" ");

const SENT = new Set(["audio/wav", "audio/mpeg"]); // as sound; servers take no other

/** Whether a recording is of a kind that no server takes, and none that does was made of it. */
export const isRare = ({ media_type: kind, facts, isHeard }) => kind.startsWith("audio/") && Boolean(facts) && !isHeard && !SENT.has(facts.view_type || kind);

/** Which of these needs a model is known to lack: of one without `tags` nobody knows, until it has refused something. */
export function lacking({ tags, lacks = "" } = {}, needs) {
  const [able, refused] = [tags?.split(" "), lacks.split(" ")];
  return needs.split(" ").filter((need) => need && (refused.includes(need) || able?.includes(`models.${need}`) === false));
}
