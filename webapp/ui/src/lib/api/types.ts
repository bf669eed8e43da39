/**
 * The words of the API as the pages use them: names for the generated schemas, so that a change
 * of the API that a page did not follow does not compile. Times are RFC 3339 strings.
 */
import type { components } from "./schema";

type S = components["schemas"];

export type Id = number;
export type Time = string;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type Me = S["Me"];
export type OrganisationRole = Me["role"];
export type Presence = Me["presence"];
export type AccountRole = S["Grant"]["role"];
export type Person = S["PersonBrief"];
export type Staff = S["Staff"];
export type Left = S["Left"];
export type Team = S["TeamBrief"];
export type TeamWhole = S["Team"];
export type Grant = S["Grant"];
export type Token = S["Token"];
export type TokenMade = S["TokenMade"];

/** What a post’s links may be tagged with, besides their account. */
export type PostAsWritten = Pick<PreflightIn, "post_id" | "tags_links" | "tag_ids" | "wall_time" | "time_zone">;
export type LinkTags = S["LinkTags"];
export type LinkPreview = S["LinkPreview"];
export type CardIn = S["CardIn"];
export type CardDecided = S["Card"];
export type HashtagSet = S["HashtagSet"];
export type Contact = S["Contact"];
export type ContactChecked = S["ContactChecked"];
export type Named = S["Named"];
export type CustomField = S["CustomField"];
export type CustomFieldNew = S["CustomFieldNew"];
export type FilledField = S["FilledField"];
export type PostTemplate = S["PostTemplate"];
export type FilledTemplate = S["FilledTemplate"];
export type LinkRule = S["LinkRule"];
export type LinkExample = S["LinkExample"];
export type Network = S["Network"];
export type AccountBrief = S["AccountBrief"];
export type Account = S["Account"];
export type AccountHealth = S["AccountHealth"];
export type AccountUsage = S["AccountUsage"];
export type Quota = S["Quota"];
export type Spending = S["Spending"];
export type SendWarning = PreflightAccount["warnings"][number];
export type PreflightAccount = S["PreflightAccount"];
export type Brand = S["Brand"];
export type BusinessHours = S["Calendar"];
export type TextLimit = S["TextLimit"];
export type MediaLimit = S["MediaLimit"];
export type CountUnit = TextLimit["unit"];
export type Surface = S["ConversationRow"]["surface"];

export type BulkReply = S["BulkReply"];
export type BulkRow = S["BulkRow"];
export type ConversationRow = S["ConversationRow"];
export type Conversation = S["Conversation"];
export type Invitation = S["Invitation"];
export type MailPicture = S["MailPicture"];
export type MailPictures = S["MailPictures"];
export type ConversationState = ConversationRow["state"];
export type Priority = ConversationRow["priority"];
export type CustomerBrief = S["CustomerBrief"];
export type Customer = S["Customer"];
export type Label = S["Label"];
export type Entry = S["Entry"];
export type Attachment = S["Attachment"];
export type PendingAnswer = S["Pending"];
export type Topic = S["Topic"];
export type AnswerReview = S["AnswerReview"];
export type Macro = S["Macro"];
export type MacroAction = Macro["actions"][number];
export type MacroTrial = S["MacroTrial"];
export type MacroResult = S["MacroResult"];
export type MacroUndone = S["MacroUndone"];
export type Draft = S["Draft"];
export type Viewer = S["Viewer"];
export type Link = S["Link"];
export type Readers = S["Readers"];
export type SideConversation = S["SideConversation"];
export type SideConversations = S["SideConversations"];
export type SideMessage = S["SideMessage"];
export type SideNew = S["SideNew"];
export type SideMessageNew = S["SideMessageNew"];
export type Alert = S["Alert"];
export type AlertWhole = S["AlertWhole"];
export type AlertPolicy = S["AlertPolicy"];
export type AlertHook = S["AlertHook"];
export type AlertHookMade = S["AlertHookMade"];
export type Notice = S["Notice"];
export type NoticeMails = S["NoticeMails"];
export type NoticeCount = S["NoticeCount"];
export type CannedReply = S["CannedReply"];
export type SavedView = S["View"];
export type Found = S["Found"];

export type Delivery = S["Delivery"];
export type DeliveryDetail = S["DeliveryDetail"];
export type DeliveryState = Delivery["state"];
export type Attempt = S["AttemptOut"];
export type WeekSlot = S["Slot"];
export type SlotWeek = S["SlotWeek"];
export type Opening = S["Opening"];
export type Times = S["Times"];
export type PartOfWeek = Times["week"][number];
export type PastPosts = S["PastPosts"];
export type SuggestedTimes = S["SuggestedTimes"];
export type Media = S["Media"];
export type LibraryFile = S["LibraryFile"];
export type Rendition = S["Rendition"];
export type MadeOfFile = S["MadeOfFile"];
export type Renditions = S["Renditions"];
export type RenditionFor = S["RenditionFor"];
export type Framing = S["Framing"];
export type FrameIn = S["FrameIn"];
export type FramingIn = S["FramingIn"];
export type FilmFacts = S["FilmFacts"];
export type RenditionUsed = S["RenditionUsed"];
export type MediaUses = S["MediaUses"];
export type Post = S["Post"];
export type CalendarFeed = S["CalendarFeed"];
export type CalendarFeedMade = S["CalendarFeedMade"];
export type CalendarEntry = S["CalendarEntry"];
export type PostTag = S["PostTag"];
export type PostState = Post["state"];
export type PostNew = S["PostNew"];
export type PostChange = S["PostChange"];
export type PostSchedule = S["PostSchedule"];
export type Variant = S["Variant"];
export type VariantIn = S["VariantIn"];
export type PreflightIn = S["PreflightIn"];
export type Preflight = S["Preflight"];
export type Recurrence = S["Recurrence"];
export type Series = S["Series"];
export type Clash = S["Clash"];
export type Planned = S["Planned"];
export type Doubt = S["Doubt"];
export type DeliverySeen = S["DeliverySeen"];
export type DeliveriesDecided = S["DeliveriesDecided"];
export type DoubtChoice = Doubt["choices"][number];
export type Approval = S["Approval"];
export type Review = S["Review"];
export type ToDecide = S["ToDecide"];
export type PostToDecide = S["PostToDecide"];
export type Decided = S["Decided"];
export type ApprovalPolicy = S["ApprovalPolicy"];
export type PostComment = S["PostComment"];
export type PostVersion = S["PostVersion"];
export type PostDifference = S["PostDifference"];
export type PostAct = S["PostAct"];
export type ReviewLink = S["ReviewLink"];
export type NeedsYou = S["NeedsYou"];
export type Brake = S["BrakeState"];
export type BrakeOne = S["Brake"];
export type BrakeOrder = S["BrakeOrder"];
export type HeldGroup = S["HeldGroup"];
export type HeldChoice = S["HeldChoice"];
export type Stopped = S["Stopped"];

export type Percentile = S["Percentile"];
export type WaitsNow = S["WaitsNow"];
export type ResponseRow = S["ResponseRow"];
export type Responses = S["Responses"];
export type Wait = S["Wait"];
export type WaitScope = S["WaitScope"];
export type Publishing = S["Publishing"];

/** What the API takes for a condition of a rule; it gives them back as it took them. */
export type Condition = S["Condition"];
export type RuleAction = S["RuleAction"];
export type Rule = Omit<S["Rule"], "conditions" | "actions"> & { conditions: Condition[]; actions: RuleAction[] };
export type PromiseStep = S["PromiseStep"];
export type PromisePolicy = Omit<S["PromisePolicy"], "conditions" | "steps"> & { conditions: Condition[]; steps: PromiseStep[] };
export type KeptPromises = S["KeptPromises"];
export type PromisePreview = S["PromisePreview"];
export type RulePreview = S["RulePreview"];
export type AuditEntry = S["AuditEntry"];
export type DeadLetter = S["DeadLetter"];

/** RFC 9457, as any server on the way may also send it: only title and status are sure. */
export type Problem = Pick<S["Problem"], "title" | "status"> & Partial<S["Problem"]>;

export type Table = S["Table"];
export type Unpacked = S["Unpacked"];
export type TableIn = S["TableIn"];
export type TableNew = S["TableNew"];
export type TableChecked = S["TableChecked"];
export type CellFinding = S["CellFinding"];
export type ColumnName = CellFinding["column"];
export type PostImport = S["Import"];
export type PostImportUndone = S["ImportUndone"];

export type EvergreenQueue = S["EvergreenQueue"];
export type EvergreenView = S["EvergreenView"];
export type EvergreenItem = S["EvergreenItem"];
export type EvergreenPlanned = S["EvergreenPlanned"];
export type EvergreenLimits = Pick<EvergreenItem, "is_paused" | "season_from" | "season_to" | "last_day" | "most_times">;
