// What every page stands in: it begins in the browser, as it is wished to look, and a fault in it has a way on.
import { Component, useEffect, useState } from "react";
import "./appearance.js";
import { t } from "./i18n.js";

/** A fault in the page itself: one sentence and a way on, in place of a blank page. */
class Boundary extends Component {
  state = { isFaulty: false };
  static getDerivedStateFromError() {
    return { isFaulty: true };
  }
  render() {
    if (!this.state.isFaulty) return this.props.children;
    return (
      <main className="greeting" role="alert">
        <h1>{t("fault.what")}</h1>
        <p>{t("fault.kept")}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>{t("fault.reload")}</button>
      </main>
    );
  }
}

// A file that is dropped where nothing takes it would take the page's place.
for (const name of ["dragover", "drop"]) globalThis.addEventListener?.(name, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());

/** Renders in the browser alone: language and colours are not known before. */
export function ClientOnly({ children }) {
  const [isHere, setHere] = useState(false);
  useEffect(() => setHere(true), []);
  return isHere ? <Boundary>{children}</Boundary> : null;
}
