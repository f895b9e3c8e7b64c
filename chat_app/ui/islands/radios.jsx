// One of a few: a question, and its answers beside each other.
import { useId } from "react";

export function Radios({ legend, options, labelOf, value, onChange }) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend>{legend}</legend>
      {options.map((each) => (
        <label key={each}>
          <input type="radio" name={name} checked={value === each} onChange={() => onChange(each)} />
          {labelOf(each)}
        </label>
      ))}
    </fieldset>
  );
}
