// Says that an event failed which nothing foresaw. The server can run no script here, but it can set the value of a ref.
import { useEffect, useImperativeHandle, useState } from "react";
import { t } from "./i18n.js";

const SHOWN_MS = 8000;

export function Notice({ ref }) {
  const [said, say] = useState({ code: "", at: 0 });
  useImperativeHandle(ref, () => ({ set value(code) { say({ code, at: Date.now() }); } }), []);
  useEffect(() => {
    if (!said.code) return undefined;
    const timer = setTimeout(() => say({ code: "", at: 0 }), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said.at]);
  return said.code && <div className="toast-place"><div role="alert" className="toast">{t(`error.${said.code}`)}</div></div>;
}
