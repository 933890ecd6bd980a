/** What every executor does, one check each. A check begins with a clean cloud; what it throws is what the table says. */
import { VERBS } from '../protocol-parts.ts';
import { expectThat, Untested, type Bench } from './bench.ts';

export interface Check {
  readonly area: string;
  /** A statement about a conforming executor. */
  readonly claim: string;
  readonly run: (bench: Bench) => Promise<void>;
}

const ASSIGN = 'assign-secondary-ip';
const UNASSIGN = 'unassign-secondary-ip';

async function unchanged(bench: Bench, what: string, work: () => Promise<void>): Promise<void> {
  const before = await bench.mutations();
  await work();
  const made = (await bench.mutations()) - before;
  expectThat(made === 0, `${what} made ${made} mutating calls`);
}

async function expectHolder(bench: Bench, address: string, wanted: 'nic' | 'otherNic' | undefined): Promise<void> {
  const holder = await bench.holderOf(address);
  expectThat(holder === wanted, `${address} is on ${holder ?? 'neither NIC'}, not on ${wanted ?? 'neither'}`);
}

const idempotency: readonly Check[] = [
  {
    area: 'idempotency',
    claim: 'assigning twice changes once',
    async run(bench) {
      const order = { verb: ASSIGN, addresses: [bench.plan.addresses[0]] } as const;
      await bench.mustSucceed(order);
      await expectHolder(bench, order.addresses[0], 'nic');
      await unchanged(bench, 'the repetition', async () => bench.mustSucceed(order));
    },
  },
  {
    area: 'idempotency',
    claim: 'unassigning what is absent succeeds, and what another NIC has stays there',
    async run(bench) {
      const [mine, theirs, absent] = bench.plan.addresses;
      await bench.mustSucceed({ verb: ASSIGN, addresses: [mine] });
      await bench.mustSucceed({ verb: ASSIGN, addresses: [theirs], side: 'otherNic' });
      const order = { verb: UNASSIGN, addresses: [mine, theirs, absent] } as const;
      await bench.mustSucceed(order);
      await expectHolder(bench, mine, undefined);
      await expectHolder(bench, theirs, 'otherNic');
      await unchanged(bench, 'the repetition', async () => bench.mustSucceed(order));
    },
  },
  {
    area: 'idempotency',
    claim: 'forwarding goes on and off, and repeating either changes nothing',
    async run(bench) {
      if (!bench.plan.switchesForwarding) throw new Untested('switchesForwarding is false');
      for (const verb of ['ensure-forwarding-enabled', 'ensure-forwarding-disabled'] as const) {
        const order = { verb, addresses: [bench.plan.addresses[0]] };
        await bench.mustSucceed(order);
        expectThat((await bench.isForwarding()) === verb.endsWith('enabled'), `${verb} has no effect`);
        await unchanged(bench, 'the repetition', async () => bench.mustSucceed(order));
      }
    },
  },
];

const batches: readonly Check[] = [
  {
    area: 'batch',
    claim: 'all addresses of a request are assigned, and told in their order',
    async run(bench) {
      const { addresses } = bench.plan;
      const outcomes = await bench.outcomes({ verb: ASSIGN, addresses });
      expectThat(
        outcomes.every((each) => each === 'succeeded'),
        `the outcomes are ${outcomes.join(', ')}`,
      );
      for (const address of addresses) await expectHolder(bench, address, 'nic');
    },
  },
  {
    area: 'batch',
    claim: 'an address that cannot be had costs only itself',
    async run(bench) {
      const { addresses, impossibleAddress } = bench.plan;
      const order = { verb: ASSIGN, addresses: [addresses[0], impossibleAddress, addresses[1]] } as const;
      const [first, impossible = '', last] = await bench.outcomes(order);
      expectThat(first === 'succeeded' && last === 'succeeded', `the others are ${first} and ${last}`);
      expectThat(
        ['held-elsewhere', 'invalid', 'permission', 'limit'].includes(impossible),
        `${impossibleAddress} is told as ${impossible}`,
      );
    },
  },
];

const fences: readonly Check[] = [
  {
    area: 'fence',
    claim: 'without seizeFrom nothing is taken from another NIC',
    async run(bench) {
      const [address] = bench.plan.addresses;
      await bench.mustSucceed({ verb: ASSIGN, addresses: [address], side: 'otherNic' });
      const [outcome] = await bench.outcomes({ verb: ASSIGN, addresses: [address] });
      expectThat(outcome === 'held-elsewhere', `it is told as ${outcome}, not as held-elsewhere`);
      await expectHolder(bench, address, 'otherNic');
    },
  },
  {
    area: 'fence',
    claim: 'nothing is taken from a NIC that the request does not name as that of seizeFrom',
    async run(bench) {
      const { addresses, otherNic } = bench.plan;
      const [address] = addresses;
      await bench.mustSucceed({ verb: ASSIGN, addresses: [address], side: 'otherNic' });
      const seizeFrom = `${otherNic.node}-that-nobody-names`;
      const [outcome] = await bench.outcomes({ verb: ASSIGN, addresses: [address], epoch: 2, seizeFrom });
      expectThat(outcome === 'held-elsewhere', `it is told as ${outcome}, not as held-elsewhere`);
      await expectHolder(bench, address, 'otherNic');
    },
  },
  {
    area: 'fence',
    claim: 'seizeFrom moves an address, also one that nobody has, and repeating it changes nothing',
    async run(bench) {
      const { addresses, otherNic } = bench.plan;
      await bench.mustSucceed({ verb: ASSIGN, addresses: [addresses[0]], side: 'otherNic' });
      const order = { verb: ASSIGN, addresses: addresses.slice(0, 2), epoch: 2, seizeFrom: otherNic.node } as const;
      await bench.mustSucceed(order);
      for (const address of order.addresses) await expectHolder(bench, address, 'nic');
      await unchanged(bench, 'the repetition', async () => bench.mustSucceed(order));
    },
  },
  {
    area: 'fence',
    claim: 'id and addresses come back as they were sent, and an older epoch is refused where it is stored',
    async run(bench) {
      const { addresses, nic, storesEpoch } = bench.plan;
      const [address] = addresses;
      // The bench compares ids and addresses of every answer; here with an epoch that does not fit into 32 bits.
      await bench.mustSucceed({ verb: ASSIGN, addresses: [address], epoch: 2 ** 40 });
      if (!storesEpoch) return;
      const stale = { verb: ASSIGN, addresses: [address], side: 'otherNic', epoch: 5, seizeFrom: nic.node } as const;
      const [outcome = ''] = await bench.outcomes(stale);
      expectThat(['held-elsewhere', 'conflict'].includes(outcome), `the stale request is told as ${outcome}`);
      await expectHolder(bench, address, 'nic');
    },
  },
];

const reads: readonly Check[] = [
  {
    area: 'dry-run',
    claim: 'every verb answers for every address, and no mutating call is made',
    async run(bench) {
      const addresses = bench.plan.addresses.slice(0, 2);
      await unchanged(bench, 'the dry run', async () => {
        for (const verb of VERBS) await bench.outcomes({ verb, addresses, mode: 'dry-run' });
      });
    },
  },
  {
    area: 'observe',
    claim: 'shows the secondaries and the forwarding of that NIC alone, by reads',
    async run(bench) {
      const [mine, theirs] = bench.plan.addresses;
      await bench.mustSucceed({ verb: ASSIGN, addresses: [mine] });
      await bench.mustSucceed({ verb: ASSIGN, addresses: [theirs], side: 'otherNic' });
      await unchanged(bench, 'observing', async () => {
        const status = await bench.observe();
        const seen = status.status === 'completed' ? status.nic.addresses.join() : status.error.message;
        expectThat(seen === `${mine}/32`, `it shows ${seen}, not ${mine}/32`);
      });
    },
  },
  {
    area: 'observe',
    claim: 'a NIC that does not exist is a fault that no retry heals',
    async run(bench) {
      const status = await bench.observe(`${bench.plan.nic.nicRef}-no-such`);
      const found = status.status === 'failed' ? status.error.class : 'completed';
      expectThat(['not-found', 'invalid', 'permission'].includes(found), `it is told as ${found}`);
    },
  },
];

export const CHECKS: readonly Check[] = [...idempotency, ...batches, ...fences, ...reads];
