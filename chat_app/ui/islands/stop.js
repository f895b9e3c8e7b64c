// Stop goes by HTTP, not by the page's state, and is asked for until the server has heard it: what runs on costs.
const FIRST_MS = 300;
const LONGEST_MS = 4000;

/** Stop these answers, and no later ones however long the server was away. */
export async function stop(ids) {
  for (let pause = FIRST_MS; ; pause = Math.min(2 * pause, LONGEST_MS)) {
    try {
      const response = await fetch("/api/messages/stop", { method: "POST", body: JSON.stringify({ ids }), headers: { "content-type": "application/json" } });
      if (response.status < 500) return;
    } catch {
      // the server cannot be reached
    }
    await new Promise((later) => setTimeout(later, pause));
  }
}
