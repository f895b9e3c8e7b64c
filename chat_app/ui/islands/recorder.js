// The microphone. One recording at a time, which goes on whatever is in view; what it heard becomes a file of the words that
// are written where one looks when it ends.
import { idHere } from "./drafts.js";
import { t } from "./i18n.js";
import { attach } from "./uploads.js";
import { asWav } from "./wav.js";

const TICK_MS = 100;
const LEVELS = 48; // that are shown
const QUIET_S = 3; // after which it is said that nothing is heard
const QUIET = 0.08;
const REFUSALS = new Set(["NotAllowedError", "NotFoundError", "NotReadableError", "insecure"]);
const IDLE = Object.freeze({ phase: "idle", seconds: 0, levels: Object.freeze([]), error: "" });

let state = IDLE;
let tools = null; // what records while it does
const listeners = new Set();

export function onRecorder(call) {
  listeners.add(call);
  return () => listeners.delete(call);
}

/** Of `phase` idle, asking, recording, paused, full (it may not be longer) or making; `levels` are from 0 to 1. */
export const recorded = () => state;

function set(changes) {
  state = { ...state, ...changes };
  listeners.forEach((call) => call());
}

const stay = (event) => event.preventDefault(); // the browser asks before the page goes, and the recording with it

/** Begin; it ends by itself after so many seconds. */
export async function record(longest) {
  if (state.phase !== "idle") return;
  set({ ...IDLE, phase: "asking" });
  const mine = { longest };
  tools = mine;
  try {
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "insecure");
    mine.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    if (tools !== mine) return release(mine); // given up meanwhile
    begin(mine);
  } catch ({ name }) {
    letGo(mine);
    if (tools === mine) set({ ...IDLE, error: t(`record.refused.${REFUSALS.has(name) ? name : "failed"}`) });
  }
}

function begin(mine) {
  mine.pieces = [];
  mine.recorder = new MediaRecorder(mine.stream);
  mine.recorder.ondataavailable = ({ data }) => data.size && mine.pieces.push(data);
  mine.ended = new Promise((resolve) => mine.recorder.addEventListener("stop", resolve));
  mine.ended.then(() => tools === mine && state.phase !== "making" && set({ phase: "full", error: t("record.refused.NotReadableError") }));
  mine.context = new AudioContext();
  mine.ear = mine.context.createAnalyser();
  mine.context.createMediaStreamSource(mine.stream).connect(mine.ear);
  mine.recorder.start();
  mine.loudest = 0;
  mine.heardAt = performance.now();
  mine.timer = setInterval(() => tick(mine), TICK_MS);
  addEventListener("beforeunload", stay);
  set({ phase: "recording" });
}

/** Timers are late in a tab that is not in view: what counts is the clock. */
function tick(mine) {
  const now = performance.now();
  const passed = (now - mine.heardAt) / 1000;
  mine.heardAt = now;
  if (state.phase !== "recording") return;
  const seconds = state.seconds + passed;
  const level = levelOf(mine.ear);
  mine.loudest = Math.max(mine.loudest, level);
  set({ seconds, levels: [...state.levels, level].slice(-LEVELS), isQuiet: seconds > QUIET_S && mine.loudest < QUIET });
  if (seconds >= mine.longest) {
    mine.recorder.pause();
    set({ phase: "full", error: t("record.full", { count: Math.round(mine.longest / 6) / 10 }) });
  }
}

/** How loud it is, from 0 at -60 dB of the loudest to 1. */
function levelOf(ear) {
  const samples = new Float32Array(ear.fftSize);
  ear.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, each) => sum + each * each, 0) / samples.length;
  return Math.max(0, Math.min(1, 1 + Math.log10(power || 1e-9) / 6));
}

export function pause() {
  tools.recorder.pause();
  set({ phase: "paused" });
}

export function resume() {
  tools.recorder.resume();
  set({ phase: "recording" });
}

function release(mine) {
  const { stream, context, timer, recorder } = mine;
  clearInterval(timer);
  if (recorder && recorder.state !== "inactive") recorder.stop();
  stream?.getTracks().forEach((track) => track.stop()); // the browser's own sign of it goes out
  context?.close();
  Object.assign(mine, { stream: undefined, context: undefined }); // which are let go of once
}

function letGo(mine) {
  release(mine);
  removeEventListener("beforeunload", stay);
}

export function discard() {
  const mine = tools;
  tools = null;
  set(IDLE);
  letGo(mine);
}

/** End it, and give the file to the words in view; returns the file's key there, null where there was no room for it. */
export async function finish(most) {
  const mine = tools;
  set({ phase: "making", error: "" });
  release(mine);
  await mine.ended;
  const whole = new Blob(mine.pieces, { type: mine.recorder.mimeType });
  mine.pieces = [whole];
  const made = await asWav(whole, mine.longest).catch(() => whole); // as it is, rather than not at all
  if (tools !== mine) return null; // discarded meanwhile
  const time = new Date().toLocaleTimeString("en-GB").replaceAll(":", "."); // which stands in names of files
  const name = `${t("record.name", { time })}.${made === whole ? "webm" : "wav"}`;
  const [key = null] = attach(idHere(), [new File([made], name, { type: made.type })], most);
  if (key) discard();
  else set({ phase: "full", error: t("file.many", { most }) }); // it waits for room
  return key;
}
