import createClient, { type Client, type ClientOptions } from "openapi-fetch";

import type { paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** A client of the API; `baseUrl` is the address in front of `/api`, for example `https://shop.example.com`. */
export function client(options: ClientOptions): Client<paths> {
  return createClient<paths>(options);
}
