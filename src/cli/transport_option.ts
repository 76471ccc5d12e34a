import { bindUdp, type TransportName } from "../transport/bind_udp.ts";
import type { BindUdp, UdpTransport } from "../transport/udp_transport.ts";
import { choice, type Option } from "./option.ts";
import type { World } from "./world.ts";

/** Which kind of sockets. */
export const transport: Option<TransportName> = choice<TransportName>({
  value: "KIND",
  choices: ["auto", "portable", "native", "xdp"],
  initial: "auto",
  help:
    "sockets: of the runtime (portable), of Linux (native, xdp), or native where permitted (auto)",
});

/** The sockets that the command line asks for, in the form that the library takes. */
export function socketsOf(
  { bind }: World,
  name: TransportName,
): { transport: TransportName } | { bind: BindUdp } {
  return bind === bindUdp ? { transport: name } : { bind };
}

/** Which sockets they are, and why: `native (auto)`, `deno (native needs --allow-ffi)`. */
export function describeSockets(
  { transport, choice }: { readonly transport: string; readonly choice?: UdpTransport["choice"] },
): string {
  if (choice === undefined) return transport;
  return choice === "auto" ? `${transport}, auto` : `${transport}: native ${choice}`;
}
