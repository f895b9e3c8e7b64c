// Whether the answer around is still being made: what would move the page waits for its end.
import { createContext } from "react";

export const Live = createContext(false);
