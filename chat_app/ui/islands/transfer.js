// Files on their way to the server: a few at a time, each tried again where the connection breaks.
const AT_ONCE = 3;
const PAUSES_MS = [500, 2000, 5000];
const STALLED_MS = 30_000; // in which nothing has moved: a phone that left its network says nothing of it
const LOOKED_INTO_MS = 180_000; // it may wait for others, each of which the server bounds

/**
 * A way to the server for files, each by a key. `pathOf(key, file)` says where it goes, `onSettled(key, file, {status, response})` hears what
 * the server made of it, `onBroken(key, file)` that it could not be reached, and `onChange()` that something has moved.
 */
export function makeQueue({ pathOf, onSettled, onBroken, onChange }) {
  const under = new Map(); // key → {file, sent, request, tries}: what is not with the server yet
  const waiting = []; // keys of those that have not begun
  let running = 0;

  function next() {
    while (running < AT_ONCE && waiting.length) {
      const key = waiting.shift();
      if (under.has(key)) begin(key, under.get(key));
    }
    onChange();
  }

  function begin(key, upload) {
    running += 1;
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
    upload.request = request;
    upload.sent = 0;
    request.open("POST", pathOf(key, upload.file));
    request.responseType = "json";
    let stalled;
    const watch = (mostMs = STALLED_MS) => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), mostMs);
    };
    watch();
    request.upload.onprogress = ({ loaded }) => {
      upload.sent = loaded;
      watch();
      onChange();
    };
    request.upload.onload = () => watch(LOOKED_INTO_MS);
    request.onload = () => take(key, upload) && onSettled(key, upload.file, request);
    request.onerror = () => broken(key, upload);
    request.onabort = () => broken(key, upload);
    request.onloadend = () => {
      clearTimeout(stalled);
      running -= 1;
      next();
    };
    request.send(upload.file);
  }

  /** It is on its way no longer, unless it was taken out meanwhile. */
  const take = (key, upload) => under.get(key) === upload && under.delete(key);

  function broken(key, upload) {
    if (under.get(key) !== upload) return;
    const pause = PAUSES_MS[upload.tries];
    upload.tries += 1;
    if (pause === undefined) {
      under.delete(key);
      onBroken(key, upload.file);
      return;
    }
    setTimeout(() => {
      if (under.get(key) !== upload) return;
      waiting.push(key);
      next();
    }, pause);
  }

  return {
    /** Send some, given as [key, file]. */
    send(pairs) {
      pairs.forEach(([key, file]) => under.set(key, { file, sent: 0, tries: 0 }));
      waiting.push(...pairs.map(([key]) => key));
      next();
    },
    /** Take one out, wherever it is on its way. */
    drop(key) {
      const upload = under.get(key);
      under.delete(key);
      upload?.request?.abort();
    },
    has: (key) => under.has(key),
    /** How much of one is with the server, from 0 to 1; undefined where it is not on its way. */
    progressOf(key) {
      const upload = under.get(key);
      return upload && (upload.file.size ? upload.sent / upload.file.size : 0);
    },
  };
}
