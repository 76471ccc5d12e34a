// A network namespace whose processes have shared memory (System V) of their own, too: segments of NTP
// have fixed names, and stay when their writers are gone.

import { Child } from "../children.mjs";
import { Namespace } from "../namespaces.mjs";

const KEEP = 'echo "keeper $$"; exec cat';

/** A namespace of both kinds. */
export class Machine extends Namespace {
  #keeper = new Child("keeper", super.command(["unshare", "--ipc", "sh", "-c", KEEP]), {
    seconds: 300,
  });
  #path = "";

  /** @returns {Promise<Machine>} */
  static async make() {
    const machine = new Machine();
    try {
      const [, id] = await machine.#keeper.wrote(/^keeper (\d+)$/m, 10);
      machine.#path = `/proc/${id}/ns/ipc`;
      return machine;
    } catch (error) {
      await machine.end();
      throw error;
    }
  }

  /** @param {string[]} command */
  command(command) {
    return super.command(["nsenter", `--ipc=${this.#path}`, ...command]);
  }

  /** Ends it, and with it its memory. */
  async end() {
    await this.#keeper.stop();
    this.remove();
  }
}
