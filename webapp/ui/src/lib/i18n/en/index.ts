import { answering } from "./answering";
import { approvals } from "./approvals";
import { common } from "./common";
import { frame } from "./frame";
import { inbox } from "./inbox";
import { compose } from "./compose";
import { calendar } from "./calendar";
import { needsYou } from "./needs-you";
import { numbers } from "./numbers";
import { accounts } from "./accounts";
import { settings } from "./settings";
import { importing } from "./import";
import { macros } from "./macros";
import { library } from "./library";
import { queues } from "./queues";
import { framing } from "./framing";
import { cards } from "./cards";

export const en = { common, frame, inbox, compose, calendar, needsYou, numbers, accounts, settings, approvals, answering, macros, import: importing, library, queues, framing, cards };
