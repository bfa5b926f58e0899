// Pages of events. The routes answer in several forms, of which the client's types name none; the pages read JSON.

import { answered, api, type Schemas } from "./client";

export type EventPage = Schemas["RecordedEventList"];

export type Order = "asc" | "desc";

export interface Filter {
  type?: string;
  channel?: string;
  verdict?: string;
  label?: string;
  rule?: string;
  moderator?: string;
  policy?: string;
  recorded_from?: string;
  recorded_to?: string;
  captured_from?: string;
  captured_to?: string;
}

interface Asked {
  order: Order;
  limit: number;
  after?: number;
}

export function listEvents(query: Filter & Asked): Promise<EventPage> {
  return answered(api.GET("/v1/events", { params: { query } })) as Promise<EventPage>;
}

export function listChannelEvents(channel: string, query: Filter & Asked): Promise<EventPage> {
  return answered(
    api.GET("/v1/channels/{channel}/events", { params: { path: { channel }, query } }),
  ) as Promise<EventPage>;
}

/** The cursor of the next page; none at the end. */
export function nextOf(page: EventPage): number | undefined {
  return page.next ? Number(page.next) : undefined;
}
