// Kisses-o'-death and rate limits: rows of the table in README.md, each test named after one.
import { test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { KissOfDeathError } from "../../src/client/kiss_of_death_error.ts";
import { query } from "../../src/client/query.ts";
import { NTPPacket } from "../../src/packet/mod.ts";
import { kiss, replyTo, Stage } from "../client/stage.ts";
import { request, seeded, serve, SERVER, Stranger } from "./scene.ts";

test("KoD believed only after the origin check (CVE-2015-7704, CVE-2015-7705)", async () => {
  for (const code of ["DENY", "RSTR", "RATE", "NTSN", "XYZW"]) {
    const forged = new Stage();
    await forged.script(SERVER, (bytes, reply) => {
      const { transmitTimestamp } = NTPPacket.decode(bytes);
      reply(replyTo(forged, bytes, { ...kiss(code), originTimestamp: 0n }));
      reply(replyTo(forged, bytes, { ...kiss(code), originTimestamp: transmitTimestamp + 1n }));
      forged.time.after(100, () => reply(replyTo(forged, bytes)));
    });
    const { attempts } = await forged.play(query(SERVER, { ...forged.world, samples: 3 }));
    assertEquals(attempts.map(({ error }) => error), [undefined, undefined, undefined]);

    // The same kiss with the right origin is one.
    const stage = new Stage();
    await stage.script(SERVER, (bytes, reply) => reply(replyTo(stage, bytes, kiss(code))));
    const asked = query(SERVER, stage.world);
    const error = await assertRejects(() => stage.play(asked), KissOfDeathError);
    assertEquals(error.kissCode, code);
  }
});

test("DENY must not cause an immediate resend (ntpd-rs #1867)", async () => {
  for (const code of ["DENY", "RSTR", "RATE"]) {
    const stage = new Stage();
    const asked = await stage.script(SERVER, (bytes, reply) => {
      reply(replyTo(stage, bytes, kiss(code)));
    });
    const options = { ...stage.world, retries: 100, samples: 1000, intervalMs: 0 };
    await assertRejects(() => stage.play(query(SERVER, options)), KissOfDeathError);
    await stage.time.run(3_600_000);
    assertEquals(asked.count, 1, code);
  }
  // Within a burst, too, the kiss is the last thing that is heard of the server.
  const stage = new Stage();
  const asked = await stage.script(SERVER, (bytes, reply) => {
    reply(replyTo(stage, bytes, asked.count === 3 ? kiss("DENY") : {}));
  });
  const options = { ...stage.world, retries: 5, samples: 10 };
  const { attempts } = await stage.play(query(SERVER, options));
  await stage.time.run(3_600_000);
  assertEquals([asked.count, attempts.length], [3, 3]);
});

test("a victim rate-limited by spoofed requests: some requests leak through, at random (chrony)", async () => {
  const ROUNDS = 400;
  /** Which of the victim's requests are answered, one every 16 s, among 2.5 a second in its name. */
  async function answered(seed: number, leak?: number): Promise<number[]> {
    const stage = new Stage();
    const rateLimit = { random: seeded(seed), ...(leak !== undefined && { leak }) };
    await serve(stage, { rateLimit });
    const victim = await Stranger.at(stage, "198.51.100.7");
    const spoofer = await Stranger.at(stage, "198.51.100.7", 40666);
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < 40; i++) {
        stage.time.advance(400);
        spoofer.send(request({ transmitTimestamp: 1n }));
      }
      const [reply] = victim.ask(request({ transmitTimestamp: BigInt(round + 2) }));
      if (reply === undefined) continue;
      const { originTimestamp, stratum } = NTPPacket.decode(reply);
      assertEquals(originTimestamp, BigInt(round + 2));
      if (stratum === 1) rounds.push(round);
    }
    return rounds;
  }
  const some = await answered(1), others = await answered(2);
  for (const rounds of [some, others]) {
    // A quarter by default; 10 % is what is promised.
    assert(rounds.length > 0.1 * ROUNDS && rounds.length < 0.5 * ROUNDS, `${rounds.length}`);
  }
  assert(some.some((round, i) => round !== others[i]), "the same ones, so not at random");
  assertEquals((await answered(1, 0)).length, 0);
});

test("no KoD to heavy floods; response never longer than the request (NTPsec, chrony, CVE-2014-0021)", async () => {
  // One address, 10,000 requests within a second, in its own name or in somebody else's.
  const stage = new Stage();
  const server = await serve(stage, { rateLimit: { leak: 0 } });
  const flooder = await Stranger.at(stage, "198.51.100.7");
  for (let i = 0; i < 100; i++) {
    for (let j = 0; j < 100; j++) flooder.send(request());
    stage.time.advance(10);
  }
  stage.time.advance(100);
  const { answered, kissed, dropped } = server.statistics();
  assertEquals([answered, kissed, dropped.rate], [8, 1, 9991]);
  assertEquals(flooder.received.length, 9);
  assert(flooder.received.every(({ length }) => length === 48));

  // Many addresses of one prefix: no kiss at all once the prefix is above its limit.
  const wide = new Stage();
  const busy = await serve(wide, { rateLimit: { leak: 0, prefixBurst: 8 } });
  for (let low = 1; low < 255; low++) {
    const one = await Stranger.at(wide, `198.51.100.${low}`);
    for (let i = 0; i < 4; i++) one.send(request());
  }
  wide.time.advance(100);
  assertEquals([busy.statistics().answered, busy.statistics().kissed], [8, 0]);

  // Where a rule says that they are to be told to go away, too: no more than 32 at once, 16 a second.
  const told = new Stage();
  const refusing = await serve(told, { access: [{ prefix: "0.0.0.0/0", action: "kod" }] });
  const bound: Stranger[] = [];
  for (let i = 0; i < 200; i++) bound.push(await Stranger.at(told, `10.0.${i}.1`));
  for (let second = 0; second < 10; second++) {
    for (const one of bound) one.send(request());
    told.time.advance(1000);
  }
  assert(refusing.statistics().kissed <= 32 + 16 * 9, `${refusing.statistics().kissed} kisses`);
  assert(refusing.statistics().kissed > 32);
});
