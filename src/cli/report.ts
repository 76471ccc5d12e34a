import { type Command, command } from "./command.ts";
import { readText } from "./read_text.ts";
import { readRecording } from "./recording.ts";
import { reportPage } from "./report/report_page.ts";

const DETAILS = `
FILE is what ntps monitor --csv or --json has written; - is standard input. The
page goes to standard output: a table, and of each server the offset over time,
how many delays there are of each length, the Allan deviation, and offset
against delay. It is one document, without script or anything from elsewhere.

  ntps report day.csv > day.html

Exit status: 0 it is written; 1 FILE cannot be read; 2 it is no recording.
`;

/** `ntps report`. */
export const report: Command = command({
  summary: "Make a page with plots of what ntps monitor has recorded",
  operands: "FILE",
  operandCount: [1, 1],
  details: DETAILS,
  options: {},
  async run(_values, [path], world) {
    const text = await readText(path!, world);
    const name = path === "-" ? "standard input" : path!;
    world.stdout.write(reportPage(readRecording(text, name), name.replace(/^.*[\\/]/, "")));
    return 0;
  },
});
