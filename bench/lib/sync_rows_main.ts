// Prints the rows of bench:sync, for what cannot import TypeScript.

import { ROWS } from "./sync_rows.ts";

console.log(JSON.stringify({ figures: ROWS }));
