// A field that shows what was typed as long as one is in it, whatever becomes of the value; after that what the value is.
import { useState } from "react";

export function Typed({ text, onText, rows, ...more }) {
  const [typed, type] = useState(null);
  const onChange = ({ target }) => {
    type(target.value);
    onText(target.value);
  };
  const common = { value: typed ?? text, onChange, onBlur: () => type(null), dir: "auto", autoComplete: "off", ...more };
  return rows ? <textarea rows={rows} {...common} /> : <input {...common} />;
}
