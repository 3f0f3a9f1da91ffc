// The hub's API as the console uses it: the session's cookie, problem details as errors in the reader's language.
import type { components } from "../shared/api/types";

type Schemas = components["schemas"];
export type EventView = Schemas["EventView"];
export type EventSummary = Schemas["EventSummary"];
export type VenueView = Schemas["VenueView"];
export type FeedView = Schemas["FeedView"];
export type HealthNotice = Schemas["HealthNotice"];
export type Me = Schemas["MeView"];
export type Center = Schemas["CenterView"];
export type Crew = Schemas["CrewView"];
export type Invited = Schemas["InvitedView"];
export type Comment = Schemas["CommentView"];
export type Addresses = Schemas["AddressList"];
export type LibraryItem = Schemas["ItemView"];
export type Stats = Schemas["StatsView"];
export type Role = Schemas["Role"];
export type Permission = Schemas["Permission"];

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: { loc: string; msg: string }[] = [],
  ) {
    super(message);
  }
}

export const OFFLINE = 0;

let onSignedOut: () => void = () => undefined;
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  const raw = body instanceof Blob;
  try {
    response = await fetch("/api/v1" + path, {
      method,
      credentials: "same-origin",
      headers: {
        "Accept-Language": document.documentElement.lang,
        ...(body !== undefined && !raw ? { "Content-Type": "application/json" } : {}),
      },
      body: body === undefined ? undefined : raw ? (body as Blob) : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(OFFLINE, "offline", "");
  }
  const text = await response.text();
  let content: unknown = null;
  try {
    content = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(response.status, "unreadable", "");
  }
  if (response.ok) return content as T;
  const problem = (content ?? {}) as { code?: string; title?: string; errors?: { loc: string; msg: string }[] };
  if (response.status === 401 && path !== "/auth/login") onSignedOut();
  throw new ApiError(response.status, problem.code ?? "", problem.title ?? "", problem.errors ?? []);
}

export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body?: unknown) => call<T>("POST", path, body ?? {});
export const patch = <T>(path: string, body: unknown) => call<T>("PATCH", path, body);
export const remove = <T>(path: string) => call<T>("DELETE", path);
