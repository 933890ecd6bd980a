/** How the process behaves: bad input, faults of the provider, and an end in mid-request. */
import { REQUEST_LINE_BYTES_MAX } from '../protocol-parts.ts';
import { Deviation, expectThat, type Bench } from './bench.ts';
import type { Check } from './checks.ts';

const ASSIGN = 'assign-secondary-ip';
/** How long nothing may come from an executor whose change the provider has swallowed, before it is killed. */
const SILENCE_MS = 1000;
/** Within this a process whose stdin has ended exits. */
const EXIT_LIMIT_MS = 5000;

async function expectInvalid(bench: Bench, what: string, line: string): Promise<void> {
  const answer = await bench.process().ask(line, bench.limitMs);
  if (answer.kind === 'none') throw new Deviation(`${what}: ${answer.why}`);
  const { status } = answer.message;
  const found = status.status === 'failed' ? status.error.class : status.status;
  expectThat(found === 'invalid', `${what} is answered ${found}, not invalid`);
}

const input: readonly Check[] = [
  {
    area: 'bad input',
    claim: 'what is no request of the protocol is answered invalid, and the next request is served',
    async run(bench) {
      const order = { verb: ASSIGN, addresses: [bench.plan.addresses[0]] } as const;
      const good = bench.request(order);
      const before = await bench.mutations();
      await expectInvalid(bench, 'a line that is no JSON', 'not json');
      await expectInvalid(bench, 'an unknown kind', JSON.stringify({ ...good, kind: 'Wish' }));
      await expectInvalid(bench, 'an unknown version', JSON.stringify({ ...good, apiVersion: 'other/v9' }));
      const spec = { ...good.spec, action: 'format-disk' };
      await expectInvalid(bench, 'an unknown verb', JSON.stringify({ ...good, spec }));
      await expectInvalid(bench, 'an unknown field', JSON.stringify({ ...good, spec: { ...good.spec, force: true } }));
      await expectInvalid(bench, 'no address', JSON.stringify({ ...good, spec: { ...good.spec, addresses: [] } }));
      expectThat((await bench.mutations()) === before, 'something was changed');
      await bench.mustSucceed(order);
    },
  },
  {
    area: 'bad input',
    claim: 'a line of more than 1 MiB is answered invalid, and the next request is served',
    async run(bench) {
      await expectInvalid(bench, 'the line', `"${'x'.repeat(REQUEST_LINE_BYTES_MAX)}"`);
      await bench.mustSucceed({ verb: ASSIGN, addresses: [bench.plan.addresses[0]] });
    },
  },
];

async function expectClass(bench: Bench, allowed: readonly string[]): Promise<void> {
  const [outcome = ''] = await bench.outcomes({ verb: ASSIGN, addresses: [bench.plan.addresses[0]] });
  expectThat(allowed.includes(outcome), `it is told as ${outcome}, not as ${allowed.join(' or ')}`);
}

/** The caller tries again. */
async function expectHealed(bench: Bench, mutationsMax: number): Promise<void> {
  const [address] = bench.plan.addresses;
  await bench.mustSucceed({ verb: ASSIGN, addresses: [address] });
  expectThat((await bench.holderOf(address)) === 'nic', `${address} is not on the NIC after the next attempt`);
  const made = await bench.mutations();
  expectThat(made <= mutationsMax, `${made} mutating calls were made where ${mutationsMax} are enough`);
}

const faults: readonly Check[] = [
  {
    area: 'throttling',
    claim: 'is told as throttled without another try, and the next attempt succeeds',
    async run(bench) {
      const before = await bench.mutations();
      await bench.inject('throttle');
      await expectClass(bench, ['throttled']);
      expectThat((await bench.mutations()) - before <= 1, 'the call was sent again');
      await expectHealed(bench, before + 2);
    },
  },
  {
    area: 'server error',
    claim: 'is never told as success or for good, and the next attempt succeeds',
    async run(bench) {
      const before = await bench.mutations();
      await bench.inject('server-error');
      await expectClass(bench, ['unknown-outcome', 'transport', 'throttled', 'conflict']);
      await expectHealed(bench, before + 2);
    },
  },
  {
    area: 'lost response',
    claim: 'the change is made once, whether it is told as success or as unknown',
    async run(bench) {
      const before = await bench.mutations();
      await bench.inject('lost-reply');
      await expectClass(bench, ['succeeded', 'unknown-outcome']);
      await expectHealed(bench, before + 1);
    },
  },
  {
    area: 'timeout',
    claim: 'killed while the provider does not answer, the next process succeeds',
    async run(bench) {
      const { addresses } = bench.plan;
      const before = await bench.mutations();
      await bench.inject('hang');
      bench.process().send(JSON.stringify(bench.request({ verb: ASSIGN, addresses: [addresses[0]] })));
      await untilMutation(bench, before); // a slow machine is not a silent provider
      const answer = await bench.process().answer(SILENCE_MS);
      if (answer.kind === 'result') await expectNoSuccess(answer.message.status.status === 'completed', bench);
      await bench.kill();
      await expectHealed(bench, before + 2);
    },
  },
  {
    area: 'cancellation',
    claim: 'killed while a change is under way, the next process finds out what came of it',
    async run(bench) {
      const [address] = bench.plan.addresses;
      const before = await bench.mutations();
      await bench.inject('slow');
      bench.process().send(JSON.stringify(bench.request({ verb: ASSIGN, addresses: [address] })));
      await untilMutation(bench, before);
      await bench.kill();
      await bench.mustSucceed({ verb: ASSIGN, addresses: [address], epoch: 2 });
      expectThat((await bench.holderOf(address)) === 'nic', `${address} is not on the NIC`);
    },
  },
  {
    area: 'resume',
    claim: 'a seizure that was killed in the middle is taken up by the next attempt',
    async run(bench) {
      const { addresses, otherNic } = bench.plan;
      await bench.mustSucceed({ verb: ASSIGN, addresses, side: 'otherNic' });
      const order = { verb: ASSIGN, addresses, epoch: 2, seizeFrom: otherNic.node } as const;
      const before = await bench.mutations();
      await bench.inject('slow');
      bench.process().send(JSON.stringify(bench.request(order)));
      await untilMutation(bench, before);
      await bench.kill();
      await bench.mustSucceed(order);
      for (const address of addresses) {
        const holder = await bench.holderOf(address);
        expectThat(holder === 'nic', `${address} is on ${holder ?? 'neither NIC'}`);
      }
    },
  },
];

async function expectNoSuccess(completed: boolean, bench: Bench): Promise<void> {
  if (!completed) return;
  const holder = await bench.holderOf(bench.plan.addresses[0]);
  expectThat(holder === 'nic', 'an answer was given for a change that was not made');
}

/** Resolves when the executor has made its next mutating call. */
async function untilMutation(bench: Bench, before: number): Promise<void> {
  const end = performance.now() + bench.limitMs;
  while ((await bench.mutations()) === before) {
    if (performance.now() > end) throw new Deviation('no mutating call was made');
  }
}

const life: readonly Check[] = [
  {
    area: 'process',
    claim: 'answers what was sent before the end of stdin, and exits with 0',
    async run(bench) {
      const running = bench.process();
      running.send(JSON.stringify(bench.request({ verb: ASSIGN, addresses: [bench.plan.addresses[0]] })));
      const answer = await running.answer(bench.limitMs);
      bench.forget();
      expectThat(answer.kind === 'result', 'the request was not answered');
      const how = await running.finish(EXIT_LIMIT_MS);
      expectThat(how === 'ended with 0', how === undefined ? 'it stays when stdin has ended' : `it ${how}`);
    },
  },
];

export const PROCESS_CHECKS: readonly Check[] = [...input, ...faults, ...life];
