import type { ConfigSections } from "./config_file.ts";

/** Sections of the configuration file of `ntps serve`. What is in none of them is in the first. */
export const SERVE_SECTIONS: ConfigSections = {
  server: [
    "port",
    "address",
    "stratum",
    "refid",
    "transport",
    "workers",
    "http",
    "page",
    "user",
    "logLevel",
    "logJson",
    "quiet",
  ],
  clock: ["refclock", "maxHoldover", "leapSeconds", "smear"],
  access: ["allow", "limited", "requireAuth", "kod", "deny", "rateLimit"],
  authentication: ["keys", "keyFormat", "key"],
  nts: ["ntsCert", "ntsKey", "ntsPort", "ntsKeys", "ntsSecret", "ntsRotate", "ntsServer"],
  broadcast: ["broadcast", "multicast", "broadcastInterval", "group", "interface"],
  peers: ["peer", "passive", "unauthenticated", "interleaved"],
};

/** How the help says what the file looks like. */
export const CONFIG_HELP: string = `
FILE of --config has the same options in TOML, without the dashes, in sections:

  [server]          port, address, stratum, refid, transport, workers, http,
                    page, user, log-level, log-json, quiet
  [clock]           refclock, max-holdover, leap-seconds, smear
  [access]          allow, limited, require-auth, kod, deny, rate-limit
  [authentication]  keys, key-format, key
  [nts]             cert, key, port, keys, secret, rotate, server
  [broadcast]       broadcast, multicast, interval, group, interface
  [peers]           peer, passive, unauthenticated, interleaved

What may be given more than once is a list: allow = ["10.0.0.0/8", "fd00::/8"].
--check tells all that is wrong with it, by line and column, and ends. SIGHUP
has the file read anew, and those of keys and certificates: what [access] says,
and keys, change at once, and no request is lost. What is wrong changes nothing.
`.trim();
