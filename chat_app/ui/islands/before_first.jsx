// What a new conversation shows until its first question is sent; from then on it looks as it will.
import { usePendingTurn } from "./pending_turn.jsx";
import { TranscriptScroller } from "./transcript_scroller.jsx";

const NONE = [];

export const BeforeFirst = ({ children }) =>
  usePendingTurn("", NONE, "") ? <TranscriptScroller conversationId="" messages={NONE} accepted="" isLoaded /> : children;
